#include "images/changes.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/text.h"
#include "images/config_words.h"
#include "images/words.h"

namespace berth::images {
namespace {

/// What one run over the lines knows beside the config.
struct Context {
  ImageConfig& config;
  bool cmd_was_set = false;

  [[nodiscard]] LookUp look_up() const {
    return [this](const std::string& name) -> std::string {
      for (auto entry = config.env.rbegin(); entry != config.env.rend(); ++entry) {
        if (entry->starts_with(name) && entry->size() > name.size() && (*entry)[name.size()] == '=')
          return entry->substr(name.size() + 1);
      }
      return {};
    };
  }
};

/// ["a", "b"]; nothing if the text is no JSON list of strings.
std::optional<std::vector<std::string>> exec_form(std::string_view text) {
  using nlohmann::json;
  if (!text.starts_with('[')) return std::nullopt;
  json list = json::parse(text.begin(), text.end(), nullptr, false);
  bool good =
      list.is_array() && std::all_of(list.begin(), list.end(), [](const json& item) { return item.is_string(); });
  if (!good) return std::nullopt;
  return list.get<std::vector<std::string>>();
}

/// The exec form, or the text behind the image's shell.
Result<std::vector<std::string>> command(const ImageConfig& config, std::string_view text) {
  if (auto words = exec_form(text)) return *std::move(words);
  // "[ -f x ] && y" is a command; "['a', 'b']" is a list with the wrong quotes.
  if (text.starts_with("['") ||
      (text.starts_with('[') && text.ends_with(']') && text.find('"') != std::string_view::npos)) {
    return make_error("the list is not valid JSON", R"(write it like ["program", "argument"], with double quotes)");
  }
  if (text.empty()) return make_error("a command is missing");
  std::vector<std::string> words = config.shell.empty() ? std::vector<std::string>{"/bin/sh", "-c"} : config.shell;
  words.emplace_back(text);
  return words;
}

Status change_cmd(Context& context, std::string_view rest) {
  BERTH_TRY(context.config.cmd, command(context.config, rest));
  context.cmd_was_set = true;
  return {};
}

Status change_entrypoint(Context& context, std::string_view rest) {
  BERTH_TRY(context.config.entrypoint, command(context.config, rest));
  // A CMD of the image was meant for the old entrypoint.
  if (!context.cmd_was_set) context.config.cmd.clear();
  return {};
}

void put_env(ImageConfig& config, const std::string& name, const std::string& value) {
  for (std::string& entry : config.env) {
    if (entry.starts_with(name + "=")) {
      entry = name + "=" + value;
      return;
    }
  }
  config.env.push_back(name + "=" + value);
}

/// "a=1 b='2 3'", or the old form "a the rest" with one name.
Result<std::vector<std::pair<std::string, std::string>>> pairs(std::string_view rest, const LookUp& look_up) {
  std::vector<std::pair<std::string, std::string>> found;
  std::string_view first = rest.substr(0, rest.find_first_of(" \t"));
  if (first.find('=') == std::string_view::npos) {
    if (first.size() == rest.size()) return make_error("expected NAME=value");
    BERTH_TRY(std::string value, expand_word(trim(rest.substr(first.size())), look_up));
    found.emplace_back(first, std::move(value));
    return found;
  }
  BERTH_TRY(auto words, split_words(rest, look_up));
  for (const std::string& word : words) {
    size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0)
      return make_error(fmt::format("\"{}\": expected NAME=value", printable(word)));
    found.emplace_back(word.substr(0, equals), word.substr(equals + 1));
  }
  return found;
}

Status change_env(Context& context, std::string_view rest) {
  BERTH_TRY(auto found, pairs(rest, context.look_up()));
  for (const auto& [name, value] : found) put_env(context.config, name, value);
  return {};
}

Status change_label(Context& context, std::string_view rest) {
  BERTH_TRY(auto found, pairs(rest, context.look_up()));
  for (auto& [name, value] : found) context.config.labels.insert_or_assign(name, std::move(value));
  return {};
}

Status change_user(Context& context, std::string_view rest) {
  BERTH_TRY(context.config.user, expand_word(rest, context.look_up()));
  return {};
}

/// A relative directory is below the present one; ".." and "." are worked out.
Status change_workdir(Context& context, std::string_view rest) {
  BERTH_TRY(std::string path, expand_word(rest, context.look_up()));
  if (!path.starts_with('/')) path = context.config.working_dir + "/" + path;
  std::vector<std::string> parts;
  for (std::string& part : split(path, '/')) {
    if (part == ".." && !parts.empty()) parts.pop_back();
    if (!part.empty() && part != "." && part != "..") parts.push_back(std::move(part));
  }
  context.config.working_dir = "/" + join(parts, "/");
  return {};
}

void sort_unique(std::vector<std::string>& list) {
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
}

Status expose(ImageConfig& config, const std::string& word) {
  auto ports = parse_exposed_ports(word);
  if (!ports)
    return make_error(fmt::format("\"{}\": expected PORT, PORT/PROTOCOL or FIRST-LAST/PROTOCOL", printable(word)));
  config.exposed_ports.insert(config.exposed_ports.end(), ports->begin(), ports->end());
  sort_unique(config.exposed_ports);
  return {};
}

Status change_expose(Context& context, std::string_view rest) {
  BERTH_TRY(auto words, split_words(rest, context.look_up()));
  for (const std::string& word : words) BERTH_TRY_OK(expose(context.config, word));
  return {};
}

Status change_volume(Context& context, std::string_view rest) {
  auto paths = exec_form(rest);
  if (!paths) {
    BERTH_TRY(paths, split_words(rest, context.look_up()));
  }
  for (const std::string& path : *paths) {
    if (path.empty()) return make_error("a volume path is empty");
    context.config.volumes.push_back(path);
  }
  sort_unique(context.config.volumes);
  return {};
}

Status change_stop_signal(Context& context, std::string_view rest) {
  BERTH_TRY(std::string signal, expand_word(rest, context.look_up()));
  bool good = signal.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-") == std::string::npos;
  if (!good) return make_error(fmt::format("\"{}\": expected a signal like SIGTERM or 15", printable(signal)));
  context.config.stop_signal = std::move(signal);
  return {};
}

Status change_shell(Context& context, std::string_view rest) {
  auto words = exec_form(rest);
  if (!words || words->empty()) return make_error(R"(expected a list like ["/bin/bash", "-c"])");
  context.config.shell = *std::move(words);
  return {};
}

Status change_onbuild(Context& context, std::string_view rest) {
  context.config.onbuild.emplace_back(rest);
  return {};
}

Status healthcheck_flag(ImageHealthcheck& check, std::string_view flag) {
  size_t equals = flag.find('=');
  std::string name(flag.substr(2, equals == std::string_view::npos ? equals : equals - 2));
  std::string_view value = equals == std::string_view::npos ? "" : flag.substr(equals + 1);
  if (name == "retries") {
    auto number = parse_unsigned(value);
    if (!number || *number > 1'000'000)
      return make_error(fmt::format("--retries={}: expected a number", printable(value)));
    check.retries = static_cast<int>(*number);
    return {};
  }
  const std::vector<std::pair<std::string, Duration*>> durations = {{"interval", &check.interval},
                                                                    {"timeout", &check.timeout},
                                                                    {"start-period", &check.start_period},
                                                                    {"start-interval", &check.start_interval}};
  for (const auto& [known, target] : durations) {
    if (name != known) continue;
    auto duration = parse_go_duration(value);
    if (!duration)
      return make_error(fmt::format("--{}={}: expected a duration like 30s or 1m30s", name, printable(value)));
    *target = *duration;
    return {};
  }
  auto near = nearest(name, {"interval", "timeout", "start-period", "start-interval", "retries"});
  return make_error(fmt::format("flag --{} is not known", printable(name)),
                    near ? fmt::format("did you mean --{}?", *near) : "");
}

Status change_healthcheck(Context& context, std::string_view rest) {
  ImageHealthcheck check;
  while (rest.starts_with("--")) {
    size_t end = std::min(rest.find_first_of(" \t"), rest.size());
    BERTH_TRY_OK(healthcheck_flag(check, rest.substr(0, end)));
    rest = trim(rest.substr(end));
  }
  size_t end = std::min(rest.find_first_of(" \t"), rest.size());
  std::string kind = to_lower(rest.substr(0, end));
  std::string_view what = trim(rest.substr(end));
  if (kind == "none") {
    check.test = {"NONE"};
  } else if (kind != "cmd" || what.empty()) {
    return make_error("expected [--interval=… --timeout=… --retries=…] CMD command, or NONE");
  } else if (auto words = exec_form(what)) {
    check.test = *std::move(words);
    check.test.insert(check.test.begin(), "CMD");
  } else {
    check.test = {"CMD-SHELL", std::string(what)};
  }
  context.config.healthcheck = std::move(check);
  return {};
}

struct Keyword {
  const char* word;
  Status (*apply)(Context&, std::string_view);
};
constexpr Keyword kKeywords[] = {
    {"CMD", change_cmd},       {"ENTRYPOINT", change_entrypoint}, {"ENV", change_env},
    {"USER", change_user},     {"WORKDIR", change_workdir},       {"EXPOSE", change_expose},
    {"VOLUME", change_volume}, {"LABEL", change_label},           {"STOPSIGNAL", change_stop_signal},
    {"SHELL", change_shell},   {"ONBUILD", change_onbuild},       {"HEALTHCHECK", change_healthcheck},
};

Error unknown_keyword(std::string_view keyword) {
  std::vector<std::string> words;
  for (const Keyword& known : kKeywords) words.emplace_back(known.word);
  auto near = nearest(keyword, words);
  return make_error(fmt::format("\"{}\" is not a change that can be made", printable(keyword)),
                    near ? fmt::format("did you mean {}?", *near) : "expected one of " + join(words, ", "));
}

Status apply_line(Context& context, std::string_view line) {
  size_t end = std::min(line.find_first_of(" \t"), line.size());
  std::string keyword = to_lower(line.substr(0, end));
  std::string_view rest = trim(line.substr(end));
  for (const Keyword& known : kKeywords) {
    if (to_lower(known.word) != keyword) continue;
    if (rest.empty()) return make_error("nothing follows the keyword");
    return known.apply(context, rest);
  }
  return unknown_keyword(line.substr(0, end));
}

}  // namespace

Status apply_changes(ImageConfig& config, const std::vector<std::string>& lines) {
  Context context{config};
  for (const std::string& text : lines) {
    for (const std::string& one : split(text, '\n')) {
      std::string_view line = trim(one);
      if (line.empty() || line.starts_with('#')) continue;
      BERTH_TRY_OK(apply_line(context, line).context("change \"{}\"", printable(line)));
    }
  }
  return {};
}

}  // namespace berth::images
