#pragma once

namespace berth::sys {

/// Executes the program from a mount of its file that is read-only and attached nowhere (docs/decisions/0014). Returns
/// errno if it fails; `mounted` tells whether there was such a mount. For the keeper, too: plain system calls.
int execute_sealed(const char* program, char** argv, bool& mounted);

}  // namespace berth::sys
