# wanted NAME: whether the test of that name is to run: all are, or TEST_ONLY is part of it.
# A shell test that asks it for each of its tests runs no more than `make test ONLY=name` wants.
wanted() { [[ $1 == *"${TEST_ONLY:-}"* ]]; }
