// All headers are in msl.h, which the compiler has read before it sees a source (clang.cpp).
#pragma once
