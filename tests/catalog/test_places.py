from gradschool.catalog import Places, faults, methods, places


def test_a_checkout_has_tests_and_results_beside_the_package():
    here = Places.here()
    assert here.results == places.PACKAGE.parents[1] / "results"
    assert here.tests is not None
    assert {method.name for method in methods()} >= {"linear_classifier"}


def test_an_installed_package_carries_its_results(tmp_path, monkeypatch):
    monkeypatch.setattr(places, "PACKAGE", tmp_path / "site-packages" / "gradschool")
    here = Places.here()
    assert here.results == tmp_path / "site-packages" / "gradschool" / "_public" / "results"
    assert here.tests is None


def test_the_library_is_in_order():
    assert faults() == ()
