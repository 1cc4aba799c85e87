"""The command ``mibsk triton``."""

from __future__ import annotations

import click

from ._options import quiet_option
from ._running import one_line_errors


@click.command(no_args_is_help=True)
@click.argument("bundle", metavar="BUNDLE")
@click.argument("repository", metavar="REPOSITORY")
@click.option(
    "--max-batch-size",
    type=click.IntRange(1),
    metavar="N",
    default=64,
    show_default=True,
    help="Number of rows up to which Triton puts requests together.",
)
@click.option(
    "--variant",
    metavar="NAME",
    help="Variant of lower precision that the bundle contains, such as float16.",
)
@quiet_option
def triton(
    bundle: str, repository: str, max_batch_size: int, variant: str | None, quiet: bool
) -> None:
    """Write the encoders of a bundle into a model repository of NVIDIA Triton.

    BUNDLE is a folder of mibsk.bundle.write_bundle. In REPOSITORY each modality becomes a model
    with its configuration; of a model that is already there, the encoder becomes the next version.
    """
    from ..bundle import Bundle
    from ..triton import write_model_repository

    with one_line_errors():
        written = write_model_repository(
            Bundle(bundle, variant=variant), repository, max_batch_size=max_batch_size
        )
    if not quiet:
        for modality, version in written.items():
            click.echo(f"{modality}: model {version.parent.name}, {version}")
