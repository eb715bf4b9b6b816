#include "cli/container_model.h"

#include <fmt/core.h>
#include <unistd.h>

#include <utility>

#include "base/diagnostics.h"
#include "base/text.h"
#include "cli/project.h"
#include "compose/load.h"
#include "engine/lower.h"

namespace berth::cli {
namespace {

using Json = ContainerModel::Json;
using FlagsByPointer = std::map<std::string, std::string>;

/// The model as a text, each value on a line of its own, and the flag that each line comes from.
class ModelText {
 public:
  ModelText(const Json& model, const FlagsByPointer& flags) : flags_(flags) { write(model, "", ""); }

  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] std::string flag_of(int line) const {
    return line < 1 || static_cast<size_t>(line) > lines_.size() ? "" : lines_[static_cast<size_t>(line) - 1];
  }

 private:
  void write(const Json& value, const std::string& pointer, std::string flag) {
    if (auto known = flags_.find(pointer); known != flags_.end()) flag = known->second;
    if (!value.is_structured()) return end_line(text_of(value), flag);
    end_line(value.is_object() ? "{" : "[", flag);
    for (const auto& item : value.items()) {
      if (value.is_object()) text_ += text_of(item.key()) + ": ";
      write(item.value(), pointer + "/" + escaped(item.key()), flag);
      end_line(",", flag);
    }
    end_line(value.is_object() ? "}" : "]", flag);
  }

  void end_line(const std::string& text, const std::string& flag) {
    text_ += text + "\n";
    lines_.push_back(flag);
  }

  static std::string text_of(const Json& value) { return value.dump(-1, ' ', true, Json::error_handler_t::replace); }

  static std::string escaped(const std::string& key) {
    std::string out;
    for (char c : key) out += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
    return out;
  }

  const FlagsByPointer& flags_;
  std::string text_;
  std::vector<std::string> lines_;
};

/// The model, where the loader looks for standard input; all other files are where they are.
class ModelFile final : public compose::FileSource {
 public:
  explicit ModelFile(std::string text) : text_(std::move(text)) {}
  [[nodiscard]] Result<std::string> read(const std::string& path) override { return disk_.read(path); }
  [[nodiscard]] bool exists(const std::string& path) override { return disk_.exists(path); }
  [[nodiscard]] Result<std::string> read_stdin() override { return text_; }

 private:
  compose::DiskFiles disk_;
  std::string text_;
};

compose::LoadRequest request_for_model() {
  compose::LoadRequest request = compose::request_of_process();
  std::erase_if(request.environment, [](const auto& variable) { return variable.first.starts_with("COMPOSE_"); });
  request.files = {"-"};
  request.project_directory = request.working_directory;
  request.project_name = "container";
  request.env_files = {"/dev/null"};
  request.interpolate = false;
  return request;
}

/// "services.web.mem_limit: "lots" is not a size" is, of a flag, "--memory: "lots" is not a size".
std::string of_flag(const std::string& message, const std::string& flag) {
  if (!message.starts_with("services.")) return flag + ": " + message;
  return flag + message.substr(std::min(message.find(": "), message.find(' ')));
}

void print(const Context& context, const Diagnostics& diagnostics, const ModelText& text) {
  const bool colour = context.colour(STDERR_FILENO);
  for (const Diagnostic& one : diagnostics.all()) {
    std::string flag = one.span.known() ? text.flag_of(one.span.line) : "";
    std::string message = flag.empty() ? one.message : of_flag(one.message, flag);
    if (one.severity == Severity::error)
      print_error(context, make_error(std::move(message), one.suggestion));
    else if (one.severity == Severity::warning)
      fmt::print(stderr, "{}warning:{} {}\n", colour ? "\033[1;33m" : "", colour ? "\033[0m" : "", message);
  }
}

/// What is true of services, and places in a file that nobody has seen.
void make_standalone(engine::Stack& stack) {
  stack.project.clear();
  stack.working_dir.clear();
  stack.config_files.clear();
  stack.environment_files.clear();
  for (engine::NetworkConfig& network : stack.networks) network.place.clear();
  for (engine::VolumeConfig& volume : stack.volumes) volume.place.clear();
  engine::ServiceConfig& service = stack.services.back();
  service.place.clear();
  service.image_place.clear();
  engine::ContainerConfig& config = service.container;
  for (engine::PortConfig& port : config.ports) port.place.clear();
  for (engine::MountConfig& mount : config.mounts) mount.place.clear();
  for (engine::AttachmentConfig& attachment : config.attachments) std::erase(attachment.aliases, service.name);
}

}  // namespace

ContainerModel::ContainerModel(std::string name) : name_(std::move(name)) {
  model_["services"][name_] = Json::object();
}

std::string ContainerModel::pointer(const std::string& attribute) const {
  return "/services/" + name_ + attribute;
}

void ContainerModel::set(const std::string& attribute, Json value, const std::string& flag) {
  model_[Json::json_pointer(pointer(attribute))] = std::move(value);
  flags_[pointer(attribute)] = flag;
  // What is said of the whole ("blkio_config") is about what is in it.
  for (size_t slash = attribute.rfind('/'); slash != 0; slash = attribute.rfind('/', slash - 1))
    flags_.emplace(pointer(attribute.substr(0, slash)), flag);
}

void ContainerModel::add(const std::string& attribute, Json value, const std::string& flag) {
  Json& list = model_[Json::json_pointer(pointer(attribute))];
  flags_[pointer(attribute) + "/" + std::to_string(list.size())] = flag;
  flags_.emplace(pointer(attribute), flag);
  list.push_back(std::move(value));
}

void ContainerModel::add(const std::string& attribute, const std::string& key, Json value, const std::string& flag) {
  model_[Json::json_pointer(pointer(attribute))][key] = std::move(value);
  flags_[pointer(attribute) + "/" + key] = flag;
}

void ContainerModel::declare(const char* kind, const std::string& key, Json value, const std::string& flag) {
  model_[kind][key] = std::move(value);
  flags_[fmt::format("/{}/{}", kind, key)] = flag;
}

std::optional<ContainerModel::Lowered> ContainerModel::lower(const Context& context) const {
  const ModelText text(model_, flags_);
  ModelFile file(text.text());
  Diagnostics diagnostics;
  std::optional<compose::Project> project = compose::load(request_for_model(), file, diagnostics);
  engine::Stack stack;
  if (project) stack = engine::lower(*project, {name_}, diagnostics);
  print(context, diagnostics, text);
  if (!project || diagnostics.has_errors()) return std::nullopt;
  make_standalone(stack);
  return Lowered{std::move(*project), std::move(stack)};
}

}  // namespace berth::cli
