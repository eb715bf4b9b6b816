#include "cli/provider/protocol.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>

#include "base/text.h"
#include "engine/json.h"

namespace berth::cli::provider {
namespace {

using engine::Json;

constexpr std::pair<const char*, Message::Kind> kKinds[] = {
    {"info", Message::Kind::info},           {"error", Message::Kind::error},
    {"debug", Message::Kind::debug},         {"setenv", Message::Kind::setenv},
    {"rawsetenv", Message::Kind::rawsetenv}, {"get-service-config", Message::Kind::get_service_config},
};

Json object_of(const std::string& text) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  return json.is_object() ? json : Json();
}

/// The text under a key; "" for none, or for what is no text.
std::string text_of(const Json& json, const char* key) {
  auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

/// Nothing where the command is not mentioned.
std::optional<Metadata::Command> command_of(const Json& metadata, const char* name) {
  auto described = metadata.find(name);
  if (described == metadata.end() || !described->is_object()) return std::nullopt;
  Metadata::Command command;
  auto parameters = described->find("parameters");
  if (parameters == described->end() || !parameters->is_array()) return command;
  for (const Json& parameter : *parameters) {
    const std::string flag = parameter.is_object() ? text_of(parameter, "name") : "";
    if (flag.empty()) continue;
    command.flags.insert(flag);
    if (parameter.value("required", Json()) == true) command.required.insert(flag);
  }
  return command;
}

}  // namespace

Result<Message> parse_message(const std::string& line) {
  const Json json = object_of(line);
  if (json.is_null()) return make_error("it says what is not understood: " + printable(line.substr(0, 200)));
  const std::string type = text_of(json, "type");
  Message message;
  message.text = text_of(json, "message");
  auto known = std::find_if(std::begin(kKinds), std::end(kKinds), [&](const auto& kind) { return type == kind.first; });
  if (known == std::end(kKinds))
    return make_error(fmt::format("it says something of type \"{}\", which berth does not know", printable(type)));
  message.kind = known->second;
  if (message.kind != Message::Kind::setenv && message.kind != Message::Kind::rawsetenv) return message;
  const size_t equals = message.text.find('=');
  if (equals == std::string::npos || equals == 0)
    return make_error(fmt::format("its {} is not NAME=value: {}", type, printable(message.text)));
  message.name = message.text.substr(0, equals);
  message.value = message.text.substr(equals + 1);
  return message;
}

Metadata parse_metadata(const std::string& text) {
  const Json json = object_of(text);
  Metadata metadata;
  if (json.is_null()) return metadata;
  const std::optional<Metadata::Command> up = command_of(json, "up"), down = command_of(json, "down");
  metadata.up = up.value_or(Metadata::Command());
  metadata.down = down.value_or(Metadata::Command());
  metadata.stop = command_of(json, "stop");
  metadata.silent = text_of(json, "description").empty() && metadata.up.flags.empty() && metadata.down.flags.empty();
  return metadata;
}

Result<std::vector<std::string>> arguments_for(const std::string& command, const std::string& project,
                                               const std::string& service, const compose::FlagValues& options,
                                               const Metadata& metadata) {
  const Metadata::Command& of = command == "up" ? metadata.up : command == "down" ? metadata.down : *metadata.stop;
  std::vector<std::string> arguments{"compose", "--project-name=" + project, command};
  std::set<std::string> missing = of.required;
  for (const auto& [name, values] : options) {
    missing.erase(name);
    if (!metadata.silent && !of.flags.contains(name)) continue;
    for (const std::string& value : values) arguments.push_back("--" + name + "=" + value);
  }
  if (!missing.empty() && !metadata.silent)
    return make_error(fmt::format("the option \"{}\" is missing, which it needs to {}", *missing.begin(), command));
  arguments.push_back(service);
  return arguments;
}

std::string prefixed(const std::string& service, const std::string& name) {
  std::string prefix = service;
  std::transform(prefix.begin(), prefix.end(), prefix.begin(), [](unsigned char c) { return std::toupper(c); });
  return prefix + "_" + name;
}

}  // namespace berth::cli::provider
