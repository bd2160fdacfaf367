"""Two averages."""


def mean(numbers: list[float]) -> float:
    """The sum over the count."""
    # --- your code: begin
    return sum(numbers) / len(numbers)
    # --- your code: end


def median(numbers: list[float]) -> float:
    """The middle one of an odd count of numbers."""
    # --- your code: begin
    return sorted(numbers)[len(numbers) // 2]
    # --- your code: end
