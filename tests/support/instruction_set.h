// See instruction_set.cpp.
#pragma once

#include <cstdint>

namespace pewter::test {

int64_t wanted_target();  // Highway's bit of it; 0: the best there is

}  // namespace pewter::test
