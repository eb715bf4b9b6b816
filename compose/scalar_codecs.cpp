#include <arpa/inet.h>
#include <fmt/core.h>

#include <charconv>

#include "base/text.h"
#include "compose/bytes.h"
#include "compose/codecs.h"
#include "compose/duration.h"

namespace berth::compose {
namespace {

std::optional<int64_t> read_integer(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> read_number(std::string_view text) {
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// "3.0" is an integer too, as it is for a JSON schema.
std::optional<int64_t> whole(std::string_view text) {
  std::optional<double> value = read_number(text);
  if (!value || *value != static_cast<double>(static_cast<int64_t>(*value))) return std::nullopt;
  return static_cast<int64_t>(*value);
}

bool is_address(const std::string& text) {
  unsigned char bytes[sizeof(in6_addr)];
  return inet_pton(AF_INET, text.c_str(), bytes) == 1 || inet_pton(AF_INET6, text.c_str(), bytes) == 1;
}

}  // namespace

bool check_word(const In& in, const std::string& value, std::span<const std::string_view> words) {
  std::vector<std::string> list(words.begin(), words.end());
  for (const std::string& word : list) {
    if (word == value) return true;
  }
  std::optional<std::string> near = nearest(value, list);
  in.error(fmt::format("\"{}\" is not one of {}", value, join(list, ", ")),
           near ? fmt::format("did you mean \"{}\"?", *near) : std::string());
  return false;
}

bool Text::decode(const In& in, std::string& value) {
  if (in.tree.is_string()) return value = in.tree.text, true;
  if (!in.tree.is_scalar() || in.tree.is_null()) return in.wrong_kind("a string"), false;
  in.diagnostics.error(in.tree.span, fmt::format("{} must be a string, not {}", in.path.str(), kind_name(in.tree.kind)),
                       fmt::format("write \"{}\"", in.tree.text));
  return false;
}
bool Text::encode(const std::string& value, Tree& out) {
  out = Tree::string(value);
  return true;
}

bool TextOrNumber::decode(const In& in, std::string& value) {
  bool fits = in.tree.is_string() || in.tree.kind == Tree::Kind::integer || in.tree.kind == Tree::Kind::real;
  if (!fits) return in.wrong_kind("a string or a number"), false;
  value = in.tree.text;
  return true;
}
bool TextOrNumber::encode(const std::string& value, Tree& out) {
  return Text::encode(value, out);
}

bool TextOrFlag::decode(const In& in, std::string& value) {
  if (!in.tree.is_string() && in.tree.kind != Tree::Kind::boolean) return in.wrong_kind("a string or a boolean"), false;
  value = in.tree.text;
  return true;
}
bool TextOrFlag::encode(const std::string& value, Tree& out) {
  return Text::encode(value, out);
}

bool Flag::decode(const In& in, bool& value) {
  if (!in.tree.is_string() && in.tree.kind != Tree::Kind::boolean) return in.wrong_kind("a boolean"), false;
  std::string word = to_lower(in.tree.text);
  if (word == "true" || word == "false") return value = word == "true", true;
  bool yes = word == "y" || word == "yes" || word == "on";
  if (!yes && word != "n" && word != "no" && word != "off") {
    in.error(fmt::format("\"{}\" is not a boolean", in.tree.text), "write true or false");
    return false;
  }
  in.warning(fmt::format("\"{}\" is read as {}", in.tree.text, yes), fmt::format("write {}", yes));
  value = yes;
  return true;
}
bool Flag::encode(const bool& value, Tree& out) {
  out = Tree::boolean(value);
  return true;
}

bool Integer::decode(const In& in, int64_t& value) {
  if (!in.tree.is_scalar() || in.tree.is_null()) return in.wrong_kind("an integer"), false;
  std::optional<int64_t> number = read_integer(in.tree.text);
  if (!number) number = whole(in.tree.text);
  if (!number) {
    in.error(fmt::format("\"{}\" is not an integer", in.tree.text));
    return false;
  }
  value = *number;
  return true;
}
bool Integer::encode(const int64_t& value, Tree& out) {
  out = Tree::integer(value);
  return true;
}

bool Number::decode(const In& in, double& value) {
  if (!in.tree.is_scalar() || in.tree.is_null()) return in.wrong_kind("a number"), false;
  std::optional<double> number = read_number(in.tree.text);
  if (!number) {
    in.error(fmt::format("\"{}\" is not a number", in.tree.text));
    return false;
  }
  value = *number;
  return true;
}
bool Number::encode(const double& value, Tree& out) {
  out = Tree::real(value);
  return true;
}

bool Bytes::decode(const In& in, int64_t& value) {
  if (!in.tree.is_scalar() || in.tree.is_null()) return in.wrong_kind("a size"), false;
  std::optional<int64_t> size = parse_bytes(in.tree.text);
  if (!size) {
    in.error(fmt::format("\"{}\" is not a size", in.tree.text),
             "write a number of bytes, or one with a unit: 512m, 1.5g");
    return false;
  }
  value = *size;
  return true;
}
bool Bytes::encode(const int64_t& value, Tree& out) {
  out = Tree::string(std::to_string(value));
  return true;
}

bool Time::decode(const In& in, Duration& value) {
  if (!in.tree.is_scalar() || in.tree.is_null()) return in.wrong_kind("a duration"), false;
  std::optional<Duration> duration = parse_duration(in.tree.text);
  if (!duration) {
    bool digits = parse_unsigned(in.tree.text).has_value();
    in.error(fmt::format("\"{}\" is not a duration", in.tree.text),
             digits ? fmt::format("the unit is missing: {}s?", in.tree.text) : std::string("write it like 1m30s"));
    return false;
  }
  value = *duration;
  return true;
}
bool Time::encode(const Duration& value, Tree& out) {
  out = Tree::string(format_duration(value));
  return true;
}

bool Micros::decode(const In& in, int64_t& value) {
  if (std::optional<int64_t> number = read_integer(in.tree.text)) return value = *number, true;
  Duration duration{};
  if (!Time::decode(in, duration)) return false;
  value = duration.count() / 1000;
  return true;
}
bool Micros::encode(const int64_t& value, Tree& out) {
  return Integer::encode(value, out);
}

bool FileMode::decode(const In& in, uint32_t& value) {
  if (!in.tree.is_string() && in.tree.kind != Tree::Kind::integer) return in.wrong_kind("a file mode"), false;
  const std::string& text = in.tree.text;
  int base = in.tree.is_string() ? 8 : 10;  // YAML has read 0444 as octal by itself
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size() || value > 07777) {
    in.error(fmt::format("\"{}\" is not a file mode", text), "write it in octal: \"0440\"");
    return false;
  }
  return true;
}
bool FileMode::encode(const uint32_t& value, Tree& out) {
  out = Tree::string(fmt::format("0{:o}", value));
  return true;
}

bool PortNumber::decode(const In& in, uint16_t& value) {
  int64_t number = 0;
  if (!Integer::decode(in, number)) return false;
  if (number < 1 || number > 65535) return in.error(fmt::format("{} is not a port, 1 to 65535 are", number)), false;
  value = static_cast<uint16_t>(number);
  return true;
}
bool PortNumber::encode(const uint16_t& value, Tree& out) {
  return Integer::encode(value, out);
}

bool IpAddress::decode(const In& in, std::string& value) {
  if (!Text::decode(in, value)) return false;
  if (!is_address(value)) return in.error(fmt::format("\"{}\" is not an IP address", value)), false;
  return true;
}
bool IpAddress::encode(const std::string& value, Tree& out) {
  return Text::encode(value, out);
}

bool CidrBlock::decode(const In& in, std::string& value) {
  if (!Text::decode(in, value)) return false;
  size_t slash = value.find('/');
  std::string address = value.substr(0, slash);
  std::optional<unsigned long long> bits =
      slash == std::string::npos ? std::nullopt : parse_unsigned(std::string_view(value).substr(slash + 1));
  bool v6 = address.find(':') != std::string::npos;
  if (!is_address(address) || !bits || *bits > (v6 ? 128U : 32U)) {
    in.error(fmt::format("\"{}\" is not a subnet", value), "write it like 172.28.0.0/16");
    return false;
  }
  return true;
}
bool CidrBlock::encode(const std::string& value, Tree& out) {
  return Text::encode(value, out);
}

bool RestartText::decode(const In& in, Restart& value) {
  // `restart: no` without quotes may have become false in a file that another tool wrote.
  std::string text = in.tree.kind == Tree::Kind::boolean && in.tree.text == "false" ? "no" : in.tree.text;
  if (!in.tree.is_string() && text != "no") return in.wrong_kind("a string"), false;
  std::string_view word = text;
  if (word == "no" || word == "never") return value.mode = Restart::Mode::no, true;
  if (word == "always") return value.mode = Restart::Mode::always, true;
  if (word == "unless-stopped") return value.mode = Restart::Mode::unless_stopped, true;
  value.mode = Restart::Mode::on_failure;
  if (word == "on-failure") return true;
  if (word.starts_with("on-failure:")) {
    std::optional<unsigned long long> count = parse_unsigned(word.substr(11));
    if (count && *count <= INT32_MAX) return value.max_retries = static_cast<int64_t>(*count), true;
    return in.error(fmt::format("\"{}\" has no number of attempts after the colon", text), "on-failure:3"), false;
  }
  static constexpr std::array<std::string_view, 4> kPolicies = {"no", "always", "on-failure", "unless-stopped"};
  return check_word(in, text, kPolicies);
}
bool RestartText::encode(const Restart& value, Tree& out) {
  out = Tree::string(restart_text(value));
  return true;
}

bool PullPolicy::decode(const In& in, std::string& value) {
  if (!Text::decode(in, value)) return false;
  if (value == "if_not_present") value = "missing";
  if (value.starts_with("every_")) {
    if (parse_duration(std::string_view(value).substr(6))) return true;
    return in.error(fmt::format("\"{}\" has no duration after every_", value), "every_12h"), false;
  }
  static constexpr std::array<std::string_view, 6> kPolicies = {"always", "never", "missing",
                                                                "build",  "daily", "weekly"};
  return check_word(in, value, kPolicies);
}
bool PullPolicy::encode(const std::string& value, Tree& out) {
  return Text::encode(value, out);
}

bool NamespaceMode::decode(const In& in, std::string& value) {
  return Text::decode(in, value);
}
bool NamespaceMode::encode(const std::string& value, Tree& out) {
  return Text::encode(value, out);
}

bool AnyTree::decode(const In& in, Tree& value) {
  value = in.tree;
  return true;
}
bool AnyTree::encode(const Tree& value, Tree& out) {
  out = value;
  return !value.is_null();
}

}  // namespace berth::compose
