"""A regression with splines, plain and tuned: forward pass, pruning and prediction of MARS.

Multivariate adaptive regression splines (Friedman 1991, The Annals of Statistics 19(1)) on the test function of its
section 4.3: the forward pass asks `kernels.candidate_rss` for the best knot of every variable beside every function
found so far, `kernels.hinge_basis_matrix` evaluates the functions, for pruning and on new samples. All of it runs once
with the references and once tuned.
"""

import time

import numpy as np

from kernels import candidate_rss, hinge_basis_matrix

SAMPLES, NEW_SAMPLES, VARIABLES = 3000, 50_000, 8
LARGEST = 21  # functions after the forward pass
DEGREE = 2  # hinges in a product
END_SPAN = 19  # samples beyond the outermost knots: 3 - log2(0.05 / n), Friedman's eq. 45
COST = 3  # degrees of freedom that a knot costs, Friedman's section 3.6


def samples(rng, n):
    """Friedman's function of five variables; the other variables are noise."""
    x = rng.random((n, VARIABLES))
    smooth = 10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2 + 10 * x[:, 3] + 5 * x[:, 4]
    return x, smooth + rng.standard_normal(n)


class Functions:
    """Basis functions as `hinge_basis_matrix` takes them."""

    def __init__(self, variables, knots, signs):
        self.arrays = variables, knots, signs

    @classmethod
    def constant(cls):
        return cls(np.full((1, DEGREE), -1), np.zeros((1, DEGREE)), np.ones((1, DEGREE), int))

    def with_pair(self, parent, variable, knot):
        """These, and two more: a parent times either hinge."""
        hinge = int(np.argmax(self.arrays[0][parent] < 0))
        added = [np.vstack([array, array[[parent, parent]]]) for array in self.arrays]
        for array, values in zip(added, (variable, knot, [1, -1]), strict=True):
            array[-2:, hinge] = values
        return Functions(*added)

    def without(self, j):
        return Functions(*(np.delete(array, j, axis=0) for array in self.arrays))

    def may_grow(self, parent, variable):
        """Whether a function takes one more hinge, of a variable that it has not."""
        used = self.arrays[0][parent]
        return bool((used < 0).any()) and variable not in used


def extended(q, count, column):
    """Orthogonalise a column twice («twice is enough», Parlett 1980, section 6.9) and put it into q if any is left."""
    length = np.linalg.norm(column)
    for _ in range(2):
        column = column - q @ (q.T @ column)
    left = np.linalg.norm(column)
    if left > 1e-6 * length:
        q[:, count] = column / left
        return count + 1
    return count


def forward(x, y, search, evaluate):
    """Add pairs of hinges, each time the one that leaves the least residuals."""
    functions, q = Functions.constant(), np.zeros((len(x), LARGEST))
    orders = [np.argsort(column) for column in x.T]
    inner = [order[END_SPAN:-END_SPAN] for order in orders]
    columns = np.ascontiguousarray(x.T)
    count = extended(q, 0, np.ones(len(x)))
    while len(functions.arrays[0]) + 2 <= LARGEST:
        basis, residual = evaluate(x, *functions.arrays), y - q @ (q.T @ y)
        found = []
        for parent in range(basis.shape[1]):
            for v in filter(lambda v, parent=parent: functions.may_grow(parent, v), range(VARIABLES)):
                rss = search(q, residual, basis[:, parent], columns[v], orders[v])
                best = inner[v][np.argmin(rss[inner[v]])]
                found.append((rss[best], parent, v, x[best, v]))
        functions = functions.with_pair(*min(found)[1:])
        for column in evaluate(x, *functions.arrays)[:, -2:].T:
            count = extended(q, count, column)
    return functions


def fitted(basis, y):
    """Coefficients and residual sum of squares."""
    coefficients = np.linalg.lstsq(basis, y, rcond=None)[0]
    return coefficients, float(np.sum((y - basis @ coefficients) ** 2))


def validation(rss, n, terms):
    """Generalized cross validation: Friedman's eq. 30 to 32."""
    return rss / n / (1 - (terms + COST * (terms - 1) / 2) / n) ** 2


def pruned(functions, x, y, evaluate):
    """Take away the function that costs least, until one is left; the best of the models on the way."""
    basis, models = evaluate(x, *functions.arrays), []
    while True:
        coefficients, rss = fitted(basis, y)
        terms = basis.shape[1]
        models.append((validation(rss, len(y), terms), terms, functions, coefficients))
        if terms == 1:
            return min(models, key=lambda model: model[:2])
        # without a column the sum grows by coefficient² / diagonal of the inverse (Friedman's section 3.9)
        growth = coefficients[1:] ** 2 / np.diag(np.linalg.pinv(basis.T @ basis))[1:]
        worst = 1 + int(np.argmin(growth))
        basis, functions = np.delete(basis, worst, axis=1), functions.without(worst)


def run(search, evaluate, x, y, new):
    """Seconds of the three passes, the model, and its predictions."""
    times = [time.perf_counter()]
    functions = forward(x, y, search, evaluate)
    times.append(time.perf_counter())
    score, terms, functions, coefficients = pruned(functions, x, y, evaluate)
    times.append(time.perf_counter())
    predicted = evaluate(new, *functions.arrays) @ coefficients
    times.append(time.perf_counter())
    return np.diff(times), (score, terms), predicted


def main():
    rng = np.random.default_rng(11)
    x, y = samples(rng, SAMPLES)
    new, truth = samples(rng, NEW_SAMPLES)
    functions = Functions.constant().with_pair(0, 3, 0.5)
    q = np.linalg.qr(rng.standard_normal((SAMPLES, LARGEST)))[0]
    calls = [
        (candidate_rss, (q, y, np.ones(SAMPLES), x[:, 0].copy(), np.argsort(x[:, 0]))),
        (hinge_basis_matrix, (x, *functions.arrays)),
        (hinge_basis_matrix, (new, *functions.arrays)),
    ]
    began = time.perf_counter()
    for kernel, arguments in calls:
        if kernel.decision(*arguments).source == "none":
            kernel.tune(*arguments, budget=20)
    run(candidate_rss, hinge_basis_matrix, x, y, new)
    print(f"tuning, or looking up what was tuned: {time.perf_counter() - began:.2f} s")

    plain_s, plain_model, plain = run(candidate_rss.reference, hinge_basis_matrix.reference, x, y, new)
    tuned_s, model, tuned = run(candidate_rss, hinge_basis_matrix, x, y, new)

    print(f"\n{SAMPLES:,} samples of {VARIABLES} variables, {LARGEST} functions; {NEW_SAMPLES:,} predictions")
    for name, before, after in zip(("forward pass", "pruning", "prediction"), plain_s, tuned_s, strict=True):
        print(f"{name:13} plain {before:6.3f} s   tuned {after:6.3f} s   {before / after:5.1f} x")
    print(f"{'all':13} plain {plain_s.sum():6.3f} s   tuned {tuned_s.sum():6.3f} s   "
          f"{plain_s.sum() / tuned_s.sum():5.1f} x")  # fmt: skip
    print(f"functions left: {model[1]}, plain {plain_model[1]}; cross validation {model[0]:.4f}, of the noise alone 1")
    print(f"largest difference of a prediction: {np.abs(tuned - plain).max():.1e}; "
          f"its error, root mean square: {np.sqrt(np.mean((tuned - truth) ** 2)):.3f}")  # fmt: skip
    print("\nwhat served:")
    for kernel, arguments in calls:
        chosen = kernel.decision(*arguments)
        print(f"  {kernel.__name__:20} {arguments[0].shape!s:13} {chosen.variant:18} ({chosen.source})")


if __name__ == "__main__":
    main()
