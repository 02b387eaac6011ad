// All of it; compiled once for each set of options and kept (clang.cpp).
#pragma once
#include "msl_atomic.h"
