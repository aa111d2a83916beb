"""A manifest, written as a folder that other programs read, and `maskwise.data.formats` as well.

voc          Annotations/a.xml, JPEGImages/a.jpg, ImageSets/Main/train.txt; groups.csv, split.csv, provenance.csv
yolo         labels/a.txt, images/a.jpg, classes.txt, data.yaml, train.txt; the same tables
coco         annotations/instances_train.json, images/a.jpg
csv          annotations.csv, images/a.jpg
classes      masked/a.jpg, incorrect/b.jpg, unmasked/c.jpg; the same tables
manifest     manifest.csv, images/a.jpg
"""

from __future__ import annotations

from maskwise.data.writing.dataset import FORMATS, check_request, write_dataset
from maskwise.data.writing.pictures import MODES

__all__ = ["FORMATS", "MODES", "check_request", "write_dataset"]
