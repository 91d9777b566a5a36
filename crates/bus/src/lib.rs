//! Publish and subscribe between parts and nodes: in process.
