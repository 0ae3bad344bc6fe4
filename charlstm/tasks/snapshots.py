"""Keep copies of the weights along a training: `charlstm train --snapshots`.

What a network learns first, it learns in a few steps, so the copies are close together at the beginning: the
first is taken before any step, the second after a two-hundredth of the run, and each of the others at a fixed
multiple of the share of the run at which the one before it was taken. The last one is the end.
"""

from charlstm.checkpoint.run_folder import RunFolder
from charlstm.checkpoint.snapshots import Snapshot, load_snapshots
from charlstm.training.trainer import Trainer

# The share of the run after which the second snapshot is taken.
_FIRST_SHARE = 5e-3


def snapshot_shares(count: int) -> list[float]:
    """Return the shares of a run, in [0, 1] and rising, after which its `count` snapshots are taken."""
    if count <= 2:
        return [0.0, 1.0][2 - count :]
    return [0.0, *(float(_FIRST_SHARE ** (1 - number / (count - 2))) for number in range(count - 1))]


class SnapshotKeeper:
    """A SnapshotKeeper takes the snapshots of a training when they are due, and saves them in its folder."""

    def __init__(self, trainer: Trainer, folder: RunFolder) -> None:
        """Go on with the snapshots in folder that were taken before the present step of trainer.

        Raises CheckpointError where there are snapshots that are damaged.
        """
        self._trainer, self._folder = trainer, folder
        self._shares = snapshot_shares(trainer.config.snapshots)
        saved = load_snapshots(folder.path, trainer.model.config) if self._shares else []
        self._taken = [snapshot for snapshot in saved if snapshot.step <= trainer.progress.step]

    def take_if_due(self) -> None:
        """Take a snapshot where one is due. Raises CheckpointError or DeviceError where that fails."""
        taken = len(self._taken)
        if taken < len(self._shares) and self._trainer.fraction >= self._shares[taken]:
            self._take()

    def take_last(self) -> None:
        """Take the snapshot of the last step, in the place of the last one where all were taken.

        Raises CheckpointError or DeviceError where it cannot be saved.
        """
        if self._shares and (not self._taken or self._taken[-1].step < self._trainer.progress.step):
            del self._taken[len(self._shares) - 1 :]
            self._take()

    def _take(self) -> None:
        """Take a snapshot of the mean weights, and save it with the others."""
        progress = self._trainer.progress
        weights = {
            name: tensor.detach().cpu().numpy() for name, tensor in self._trainer.average.state_dict().items()
        }
        self._taken.append(Snapshot.of(weights, step=progress.step, characters=progress.characters))
        self._folder.save_snapshots(self._taken)
