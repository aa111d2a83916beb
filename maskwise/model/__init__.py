"""What training and inference share: faces, crops, preprocessing, networks, the artifact and its classifier."""
