// All of pewter.
#pragma once

#include "pewter/device.h"
#include "pewter/dtype.h"
#include "pewter/error.h"
#include "pewter/lora.h"
#include "pewter/model.h"
#include "pewter/mps.h"
#include "pewter/ops.h"
#include "pewter/tensor.h"
#include "pewter/train.h"
