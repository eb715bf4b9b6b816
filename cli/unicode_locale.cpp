#include "cli/unicode_locale.h"

#include "base/text.h"
#include "sys/environment.h"

namespace berth::cli {

bool unicode_locale() {
  for (const char* variable : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const std::string locale = to_lower(sys::environment_variable(variable));
    if (!locale.empty()) return locale.find("utf-8") != std::string::npos || locale.find("utf8") != std::string::npos;
  }
  return false;
}

}  // namespace berth::cli
