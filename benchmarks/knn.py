"""Our exact nearest neighbors beside scikit-learn's and faiss's: 1,000 queries, 10 neighbors each.

A step answers all queries; the first one also builds the index, so that the memory counts it and the time does not.
Everyone gets the same float32 images, and the peers the same answers, up to their rounding.
"""

import numpy as np

QUERIES, K, POINTS = 1000, 10, 60_000


def noise(size):
    """Uniform noise, in which nothing is near: the hardest case for a search that wants to leave points out."""
    random = np.random.default_rng(0)
    return random.random((size or POINTS, 784), np.float32), random.random((QUERIES, 784), np.float32)


def images(size):
    from gradschool.data import mnist

    data = mnist.load()
    points = data.train_images[: size or POINTS].reshape(-1, 784) / np.float32(mnist.BRIGHTEST)
    return points, data.test_images[:QUERIES].reshape(QUERIES, -1) / np.float32(mnist.BRIGHTEST)


def built_once(data, build):
    """step(): on the first call search = build(points); on each search(queries, K)."""
    points, queries = data
    built = []

    def step():
        if not built:
            built.append(build(points))
        return built[0](queries, K)

    return step


def ours(data):
    import torch

    from gradschool.library.foundations.knn import ExactSearch

    torch.set_num_threads(1)
    return built_once(data, lambda points: ExactSearch(points).nearest)


def sklearn(data):
    from sklearn.neighbors import NearestNeighbors

    return built_once(data, lambda points: NearestNeighbors(algorithm="brute").fit(points).kneighbors)


def faiss(data):
    import faiss

    faiss.omp_set_num_threads(1)

    def build(points):
        index = faiss.IndexFlatL2(points.shape[1])
        index.add(points)
        return index.search

    return built_once(data, build)


def ours_noise(size):
    return ours(noise(size))


def sklearn_noise(size):
    return sklearn(noise(size))


def faiss_noise(size):
    return faiss(noise(size))


def ours_images(size):
    return ours(images(size))


def sklearn_images(size):
    return sklearn(images(size))


def faiss_images(size):
    return faiss(images(size))
