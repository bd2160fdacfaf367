"""Two measures of spread."""


def width(numbers: list[float]) -> float:
    """The largest less the smallest."""
    # --- your code: begin
    return max(numbers) - min(numbers)
    # --- your code: end


def variance(numbers: list[float]) -> float:
    """The mean of the squared distances from the mean."""
    # --- your code: begin
    mean = sum(numbers) / len(numbers)
    return sum((number - mean) ** 2 for number in numbers) / len(numbers)
    # --- your code: end
