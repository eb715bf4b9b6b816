#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/diagnostics.h"
#include "dockerfile/instruction.h"

namespace berth::dockerfile {

/// Reads a Dockerfile. All mistakes go to `diagnostics`, which gets the text for quoting; nothing after an error.
/// Warnings are about what is allowed but deprecated.
[[nodiscard]] std::optional<Dockerfile> parse(const std::string& name, const std::string& text,
                                              Diagnostics& diagnostics);

/// One instruction alone: what an image's ONBUILD holds.
[[nodiscard]] std::optional<Instruction> parse_instruction(const std::string& name, const std::string& text,
                                                           char escape, Diagnostics& diagnostics);

}  // namespace berth::dockerfile
