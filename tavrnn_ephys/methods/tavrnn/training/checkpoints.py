"""The state of a training run, in memory and in a file that a killed fit goes on from."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tavrnn_ephys.core.archives import read_archive, write_archive
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.output import check_output
from tavrnn_ephys.core.provenance import package_versions

__all__ = ["Checkpoint", "RunState"]

_KIND = "tavrnn_ephys.Checkpoint"
_VERSION = 1


@dataclass
class RunState:
    """
    All that decides how training goes on.

    Parameters
    ----------
    modules : torch.nn.ModuleList
        The networks.
    parameters : list of torch.nn.Parameter
        Weights that are trained.
    optimizer : torch.optim.Adam
        Its moments.
    schedule : torch.optim.lr_scheduler.OneCycleLR or None
        Course of the learning rate.
    generator : torch.Generator
        Source of noise.
    history : list of dict of str to float
        Terms of the loss per training epoch.
    best_epoch : int or None
        Training epoch with the best held-out loss, counted from 1.
    best : list of torch.Tensor
        Weights after it.
    """

    modules: nn.ModuleList
    parameters: list[nn.Parameter]
    optimizer: torch.optim.Adam
    schedule: torch.optim.lr_scheduler.OneCycleLR | None
    generator: torch.Generator
    history: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int | None = None
    best: list[Tensor] = field(default_factory=list)

    def step(self, loss: Tensor, clip_norm: float | None) -> None:
        """
        Make one optimizer step.

        Parameters
        ----------
        loss : torch.Tensor
            What to make smaller, a scalar.
        clip_norm : float or None
            Bound on the norm of the gradient.
        """
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if clip_norm is not None:
            # Long sequences now and then give a gradient that would throw the weights far off.
            nn.utils.clip_grad_norm_(self.parameters, clip_norm)
        self.optimizer.step()
        if self.schedule is not None:
            self.schedule.step()

    def keep_if_best(self, loss: float) -> None:
        """
        Keep the weights if they are the best so far.

        Parameters
        ----------
        loss : float
            Held-out loss of the training epoch that has just been added to the history.
        """
        if self.best_epoch is None or loss < self.history[self.best_epoch - 1]["held_out"]:
            self.best_epoch = len(self.history)
            self.best = [item.detach().clone() for item in self.parameters]

    def restore_best(self) -> None:
        """Go back to the weights with the best held-out loss."""
        _copy_into(self.parameters, self.best)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """
        Collect every array.

        Returns
        -------
        dict of str to numpy.ndarray
            Weights, moments, best weights, and the state of the generator.
        """
        arrays = {"generator": self.generator.get_state().numpy()}
        for index, parameter in enumerate(self.parameters):
            arrays[f"weight/{index}"] = _array(parameter)
            for name, value in self.optimizer.state[parameter].items():
                arrays[f"moment/{index}/{name}"] = _array(value)
        for index, weight in enumerate(self.best):
            arrays[f"best/{index}"] = _array(weight)
        return arrays

    def about(self) -> dict[str, Any]:
        """
        Collect what is no array.

        Returns
        -------
        dict of str to object
            History, best training epoch, and the scalars of optimizer and schedule.
        """
        group = self.optimizer.param_groups[0]
        return {
            "history": self.history,
            "best_epoch": self.best_epoch,
            "optimizer": {name: value for name, value in group.items() if name != "params"},
            "schedule": None if self.schedule is None else self.schedule.state_dict(),
        }

    def restore(self, about: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """
        Take up a state that was saved.

        Parameters
        ----------
        about : mapping of str to object
            From :meth:`about`.
        arrays : mapping of str to numpy.ndarray
            From :meth:`arrays`.
        """
        self.generator.set_state(torch.from_numpy(arrays["generator"]))
        indices = range(len(self.parameters))
        _copy_into(self.parameters, [torch.from_numpy(arrays[f"weight/{i}"]) for i in indices])
        for index, parameter in enumerate(self.parameters):
            prefix = f"moment/{index}/"
            self.optimizer.state[parameter] = {
                name.removeprefix(prefix): _moment(name, value, parameter)
                for name, value in arrays.items()
                if name.startswith(prefix)
            }
        self.best = [
            torch.from_numpy(arrays[f"best/{index}"]).to(parameter.device)
            for index, parameter in enumerate(self.parameters)
            if f"best/{index}" in arrays
        ]
        self.best_epoch = about["best_epoch"]
        self.history[:] = about["history"]
        group = self.optimizer.param_groups[0]
        group.update({**about["optimizer"], "betas": tuple(about["optimizer"]["betas"])})
        if self.schedule is not None:
            self.schedule.load_state_dict(about["schedule"])


class Checkpoint:
    """
    A file from which a fit goes on after its process ended.

    Parameters
    ----------
    path : str or pathlib.Path
        The file; it is replaced as a whole each time.
    every : int
        Training epochs between two savings.
    fit : mapping of str to object
        What the fit depends on: options, seed, a digest of the data; plain values.
    """

    def __init__(self, path: str | Path, *, every: int, fit: Mapping[str, Any]) -> None:
        self.path = Path(path)
        self.every = every
        versions = package_versions()
        self.fit = {
            **fit,
            "tavrnn_ephys version": versions["tavrnn_ephys"],
            "torch version": versions["torch"],
            "machine": platform.machine(),
        }
        check_output(self.path, overwrite=True)

    def is_due(self, n_done: int, *, last: bool) -> bool:
        """
        Say whether to save now.

        Parameters
        ----------
        n_done : int
            Training epochs that are done.
        last : bool
            Whether none follows.

        Returns
        -------
        bool
            Whether to save.
        """
        return last or n_done % self.every == 0

    def save(self, state: RunState) -> None:
        """
        Save a state.

        Parameters
        ----------
        state : RunState
            The state at the end of a training epoch.
        """
        write_archive(
            self.path,
            kind=_KIND,
            version=_VERSION,
            arrays=state.arrays(),
            about={"fit": self.fit, **state.about()},
            overwrite=True,
        )

    def restore(self, state: RunState) -> None:
        """
        Take up the saved state, if there is one.

        Parameters
        ----------
        state : RunState
            A run that has not begun; it is changed in place.

        Raises
        ------
        InputError
            If the file is damaged, or belongs to another fit.
        """
        for partial in self.path.parent.glob(f".{self.path.stem}.*.partial{self.path.suffix}"):
            partial.unlink(missing_ok=True)  # Left behind where a fit was killed while saving.
        if not self.path.exists():
            return
        about, arrays = read_archive(
            self.path, kind=_KIND, version=_VERSION, noun="checkpoint of a fit"
        )
        saved = about.get("fit", {})
        for name, value in self.fit.items():
            if saved.get(name) != value:
                raise InputError(
                    f"The checkpoint '{self.path}' belongs to another fit: {name} is "
                    f"{_short(saved.get(name))} there and {_short(value)} here. Name another file, "
                    "or remove this one to start afresh."
                )
        try:
            state.restore(about, arrays)
        except (KeyError, RuntimeError, ValueError, TypeError) as error:
            raise InputError(
                f"The checkpoint '{self.path}' is damaged ({error}). Remove it to start afresh."
            ) from None


def _copy_into(parameters: list[nn.Parameter], values: list[Tensor]) -> None:
    with torch.no_grad():
        for parameter, value in zip(parameters, values, strict=True):
            parameter.copy_(value)


def _array(tensor: Tensor) -> NDArray[Any]:
    return np.asarray(tensor.detach().cpu().numpy())


def _moment(name: str, value: NDArray[Any], parameter: nn.Parameter) -> Tensor:
    """Adam keeps its step count on the CPU, wherever the weights are."""
    tensor = torch.from_numpy(value)
    return tensor if name.endswith("/step") else tensor.to(parameter.device)


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 24 else f"{text[:21]}..."
