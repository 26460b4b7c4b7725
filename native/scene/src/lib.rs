//! Known-truth pictures: the one scene generator.
