#pragma once

#include "cli/command_line.h"
#include "cli/context.h"

namespace berth::cli {

void add_doctor(Command app, Context& context);

}  // namespace berth::cli
