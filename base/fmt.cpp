// The part of {fmt} that its headers only declare. Debian has it as a shared library, which brings in the shared
// libstdc++ as well: together a third of the time in which `berth version` starts.

#include <fmt/format-inl.h>

namespace fmt {
inline namespace v9 {
namespace detail {

template auto thousands_sep_impl(locale_ref) -> thousands_sep_result<char>;
template auto decimal_point_impl(locale_ref) -> char;

}  // namespace detail
}  // namespace v9
}  // namespace fmt
