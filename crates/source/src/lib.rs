//! Opens images where they lie: layouts, archives, the Docker engine.
