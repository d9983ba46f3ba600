// Carries the precompiled header of LibTorch that the rooms share.
