#pragma once

namespace berth::cli {

/// Whether this process's locale (LC_ALL, LC_CTYPE, LANG) is one whose terminals show UTF-8: then lines and arrows are
/// drawn with it, else with ASCII.
[[nodiscard]] bool unicode_locale();

}  // namespace berth::cli
