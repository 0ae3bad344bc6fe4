"""Runs on the Hugging Face hub: hf:owner/name is read as a run's folder, and a folder is sent there.

A run from the hub is somebody else's: it goes through the checks that every run's folder goes through. No
token is sent when a run is read, unless CHARLSTM_HF_TOKEN is set to 1.
"""

from pathlib import Path

from charlstm.errors import CheckpointError, UsageError
from charlstm.machine.hugging_face import (
    PREFIX,
    TOKEN_ADVICE,
    is_repository,
    says_no_access,
    silence,
    token_for_reading,
    unreachable,
    what_it_said,
)
from charlstm.run_files import CONFIG, FETCHED_RUNS, MODEL
from charlstm.text.cache_folder import default_data_folder

# What is read of a repository. Findings beside them are what an inspection on this machine wrote.
_FILES = (CONFIG, MODEL)


def repository_name(name: str) -> str:
    """Return owner/name of a repository named owner/name or hf:owner/name. Raises UsageError otherwise."""
    bare = name.removeprefix(PREFIX)
    if not is_repository(bare):
        raise UsageError(f"{name!r:.100} names no repository on the Hugging Face hub", "write owner/name")
    return bare


def fetched_run(name: str) -> Path:
    """Return the folder that the run hf:owner/name was fetched to; what changed since is fetched again.

    Where the hub cannot be reached, a run that was fetched before is taken as it is. Raises UsageError for
    another name, CheckpointError where the run cannot be fetched.
    """
    repository = repository_name(name)
    folder = default_data_folder() / FETCHED_RUNS / repository.replace("/", "--")
    if why := unreachable():
        if all((folder / file).exists() for file in _FILES):
            return folder
        raise CheckpointError(
            f"{name} cannot be fetched: {why}", "check the network, or copy the run's folder by other means"
        )
    silence("huggingface_hub")
    try:
        from huggingface_hub import hf_hub_download  # takes half a second

        for file in _FILES:
            hf_hub_download(repository, file, local_dir=folder, token=token_for_reading())
    except Exception as error:  # the library and its network raise exceptions of every kind
        raise _refused(f"{name} cannot be fetched", error) from error
    return folder


def publish(folder: Path, name: str, *, private: bool) -> str:
    """Send all files of folder to the repository owner/name, which is made where there is none.

    Returns the address of the repository. The library's own token is sent (`hf auth login`, or HF_TOKEN).
    Raises UsageError for another name, CheckpointError where the files cannot be sent.
    """
    repository = repository_name(name)
    if why := unreachable():
        raise CheckpointError(f"{name} cannot be written: {why}", "check the network")
    silence("huggingface_hub")
    try:
        from huggingface_hub import HfApi

        hub = HfApi()
        made = hub.create_repo(repository, private=private, exist_ok=True)
        hub.upload_folder(repo_id=repository, folder_path=folder, commit_message="A run of charlstm")
    except Exception as error:  # the library and its network raise exceptions of every kind
        raise _refused(f"{name} cannot be written", error) from error
    return str(made)


def _refused(what: str, error: Exception) -> CheckpointError:
    """Return the error which says what failed, what the library said of it, and what to do."""
    said = what_it_said(error)
    if says_no_access(said):
        advice = (
            f"check owner/name; to write, log in by `hf auth login`; to read a private run {TOKEN_ADVICE}"
        )
    else:
        advice = "check owner/name and the network, or copy the run's folder by other means"
    return CheckpointError(f"{what}: {said}", advice)
