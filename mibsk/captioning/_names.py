"""Names of the modalities of a captioner."""

PICTURE, CAPTION = "picture", "caption"
