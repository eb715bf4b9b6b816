#pragma once

#include <string>

#include "base/result.h"

namespace berth::sys {

/// Goes on as the same program, executed from a read-only mount of its own file that is attached nowhere. A container
/// that gets hold of the program of whoever enters it, through /proc/PID/exe or a first line "#!/proc/self/exe", cannot
/// write to it then (CVE-2019-5736). Returns at once where that has been done; else it starts anew, with the same
/// arguments and environment. Requires: CAP_SYS_ADMIN, one thread, nothing done yet.
[[nodiscard]] Status seal_self(char** argv);

/// The path that this program was executed from, sealed or not; "" if there is none to be known.
[[nodiscard]] std::string own_program();

}  // namespace berth::sys
