"""The settings of a deploy, parsed and checked before anything is built."""
