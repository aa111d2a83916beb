"""Data sets as users have them, read into one manifest.

classes      DATA/with_mask/a.jpg, DATA/without_mask/b.jpg
identities   DATA/AFDB_masked_face_dataset/PERSON/a.jpg, DATA/AFDB_face_dataset/PERSON/b.jpg
voc          DATA/annotations/a.xml and DATA/images/a.jpg
yolo         DATA/labels/a.txt, DATA/images/a.jpg and DATA/classes.txt
coco         DATA/annotations/train.json (images, annotations, categories) and DATA/images/a.jpg
csv          DATA/boxes.csv (filename,class,xmin,ymin,xmax,ymax) and DATA/images/a.jpg
manifest     DATA.csv or DATA.parquet with the columns path and label

Any of these but a manifest may lie below folders named train, validation and test, which then are the split.
"""

from __future__ import annotations

from maskwise.data.formats.dataset import FORMATS, read_all, read_dataset
from maskwise.data.formats.labels import parse_aliases
from maskwise.data.formats.trainable import check_trainable

__all__ = ["FORMATS", "check_trainable", "parse_aliases", "read_all", "read_dataset"]
