"""Classifiers that take many labellings of the same windows, true and null, at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.evaluation.logistic import logistic_scores

__all__ = ["CLASSIFIERS", "Classifier", "class_scores", "nearest_scores"]

_N_NEIGHBORS = 5

Classifier = Callable[[NDArray[Any], NDArray[np.int64], NDArray[Any], int], NDArray[np.float64]]


def nearest_scores(
    train: NDArray[Any], codes: NDArray[np.int64], test: NDArray[Any], n_classes: int
) -> NDArray[np.float64]:
    """
    Let the five nearest training windows of each test window vote, for all labellings.

    Parameters
    ----------
    train : numpy.ndarray, shape (n_train, n_features)
        Standardised features of the training windows.
    codes : numpy.ndarray of int, shape (n_labellings, n_train)
        Class of every training window, from 0.
    test : numpy.ndarray, shape (n_test, n_features)
        Standardised features of the test windows.
    n_classes : int
        Number of classes.

    Returns
    -------
    numpy.ndarray
        Shape (n_labellings, n_test, n_classes): logarithms of the classes' shares of the votes,
        each class given one vote more.

    Notes
    -----
    Neighbours do not depend on labels: they are looked up once.

    Examples
    --------
    >>> train = np.array([[-1.0], [-0.5], [0.5], [1.0], [1.5], [2.0]])
    >>> codes = np.array([[0, 0, 0, 1, 1, 1]])
    >>> nearest_scores(train, codes, np.array([[9.0]]), 2).argmax(axis=2).ravel()
    array([1])
    """
    from sklearn.neighbors import KNeighborsClassifier

    n_neighbors = min(_N_NEIGHBORS, len(train))
    model = KNeighborsClassifier(n_neighbors).fit(train, codes[0])
    votes = codes[:, model.kneighbors(test, return_distance=False)]
    counts = np.stack([(votes == code).sum(axis=2) for code in range(n_classes)], axis=2)
    return np.log(counts + 1.0) - np.log(n_neighbors + n_classes)


CLASSIFIERS: dict[str, Classifier] = {"logistic": logistic_scores, "k_nearest": nearest_scores}


def class_scores(
    classifier: Classifier,
    train: NDArray[Any],
    codes: NDArray[np.int64],
    test: NDArray[Any],
    n_classes: int,
) -> NDArray[np.float64]:
    """
    Score classes of test windows, for labellings that may lack classes in the training windows.

    Parameters
    ----------
    classifier : callable
        One of ``CLASSIFIERS``; it is given labellings that have the same classes together.
    train : numpy.ndarray, shape (n_train, n_features)
        Standardised features of the training windows.
    codes : numpy.ndarray of int, shape (n_labellings, n_train)
        Class of every training window, from 0.
    test : numpy.ndarray, shape (n_test, n_features)
        Standardised features of the test windows.
    n_classes : int
        Number of classes of the whole recording.

    Returns
    -------
    numpy.ndarray
        Shape (n_labellings, n_test, n_classes); minus infinity for a class without a training
        window.
    """
    known = np.stack([(codes == code).any(axis=1) for code in range(n_classes)], axis=1)
    scores = np.full((len(codes), len(test), n_classes), -np.inf)
    for pattern in np.unique(known, axis=0):
        rows, present = np.flatnonzero((known == pattern).all(axis=1)), np.flatnonzero(pattern)
        if len(present) == 1:
            scores[rows, :, present[0]] = 0.0
            continue
        # Positions among the classes that are there; the others do not occur.
        among = np.cumsum(pattern) - 1
        found = classifier(train, among[codes[rows]], test, len(present))
        scores[np.ix_(rows, np.arange(len(test)), present)] = found
    return scores
