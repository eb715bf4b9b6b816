#include "cli/complete.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/text.h"
#include "cli/project.h"
#include "engine/state.h"
#include "images/reference.h"
#include "images/store.h"
#include "sys/file.h"
#include "volumes/store.h"

namespace berth::cli {
namespace {

const CLI::App* subcommand(const CLI::App& app, const std::string& word) {
  for (const CLI::App* command : app.get_subcommands({})) {
    if (command->check_name(word)) return command;
  }
  return nullptr;
}

bool has_value(const CLI::Option& option) {
  return option.get_items_expected_max() > 0;
}

/// What a parameter takes, as far as it says so: {"auto", "tty", "plain"}.
std::vector<std::string> values_of(const CLI::Option& option) {
  std::string set;
  try {
    set = const_cast<CLI::Option&>(option).get_validator(0)->get_description();  // one_of(): "{auto,tty,plain}"
  } catch (const CLI::OptionNotFound&) {
    return {};
  }
  if (set.size() < 2 || set.front() != '{' || set.back() != '}') return {};
  return split(set.substr(1, set.size() - 2), ',');
}

class Completion {
 public:
  Completion(const CLI::App& app, const std::vector<std::string>& words, const sys::Paths& paths)
      : command_(&app), words_(words) {
    context_.paths = paths;
  }

  std::vector<Candidate> run() {
    if (words_.empty()) return {};
    for (size_t i = 0; i + 1 < words_.size() && !open_; ++i) pass(words_[i]);
    current_ = words_.back();
    if (waiting_ != nullptr) {
      for (const std::string& value : values_of(*waiting_)) add(value, "");
    } else if (!open_) {
      at_cursor();
    }
    return std::move(found_);
  }

 private:
  /// A word before the cursor.
  void pass(const std::string& word) {
    if (waiting_ != nullptr) {
      take_value(*waiting_, word);
      waiting_ = nullptr;
    } else if (word == "--") {
      only_arguments_ = true;
    } else if (word.starts_with('-') && word.size() > 1 && !only_arguments_) {
      pass_flag(word);
    } else if (const CLI::App* below = subcommand(*command_, word); below != nullptr && arguments_ == 0) {
      command_ = below;
    } else {
      ++arguments_;
      open_ = command_->get_prefix_command();  // the rest is somebody else's command line
    }
  }

  void pass_flag(const std::string& word) {
    const size_t equals = word.find('=');
    const bool is_long = word.starts_with("--");
    const CLI::Option* option = command_->get_option_no_throw(is_long ? word.substr(0, equals) : word.substr(0, 2));
    if (option == nullptr || !has_value(*option)) return;
    if (is_long && equals == std::string::npos)
      waiting_ = option;
    else if (!is_long && word.size() == 2)
      waiting_ = option;
    else
      take_value(*option, is_long ? word.substr(equals + 1) : word.substr(word[2] == '=' ? 3 : 2));
  }

  /// What decides which project is meant.
  void take_value(const CLI::Option& option, const std::string& value) {
    if (command_->get_parent() != nullptr) return;
    if (option.check_lname("file")) context_.files.push_back(value);
    if (option.check_lname("project-name")) context_.project_name = value;
    if (option.check_lname("project-directory")) context_.project_directory = value;
    if (option.check_lname("profile")) context_.profiles.push_back(value);
    if (option.check_lname("env-file")) context_.env_files.push_back(value);
  }

  void at_cursor() {
    const size_t equals = current_.find('=');
    if (current_.starts_with('-') && !only_arguments_) {
      if (equals == std::string::npos) return flags();
      const std::string flag = current_.substr(0, equals);
      const CLI::Option* option = command_->get_option_no_throw(flag);
      if (option == nullptr) return;
      for (const std::string& value : values_of(*option)) add(flag + "=" + value, "");
      return;
    }
    if (arguments_ == 0) {
      for (const CLI::App* below : command_->get_subcommands({})) {
        if (!below->get_group().empty()) add(below->get_name(), below->get_description());
      }
    }
    argument();
  }

  void flags() {
    for (const CLI::Option* option : command_->get_options()) {
      if (option->get_group().empty() || option->get_positional()) continue;
      for (const std::string& name : option->get_lnames()) add("--" + name, option->get_description());
      if (current_ != "-") continue;
      for (const std::string& name : option->get_snames()) add("-" + name, option->get_description());
    }
  }

  void argument() {
    if (command_->get_prefix_command()) {
      const CLI::App* noun = command_->get_parent();
      return noun != nullptr && noun->get_name() == "container" ? containers() : services();
    }
    size_t place = 0;
    for (const CLI::Option* option : command_->get_options()) {
      if (!option->get_positional()) continue;
      const bool many = option->get_items_expected_max() > 1;
      if (place++ < arguments_ && !many) continue;
      for (const std::string& value : values_of(*option)) add(value, "");
      return named(option->get_name(true));
    }
  }

  void named(const std::string& kind) {
    if (kind.find("SERVICE") != std::string::npos) return services();
    if (kind.find("CONTAINER") != std::string::npos) return containers();
    if (kind.find("IMAGE") != std::string::npos) return images();
    if (kind.find("VOLUME") != std::string::npos) return volumes();
    if (kind.find("NETWORK") == std::string::npos) return;
    for (const engine::NetworkRecord& network : engine::StateStore(context_.paths).observe().networks)
      add(network.config.name, network.config.driver);
  }

  void services() {
    compose::DiskFiles files;
    Diagnostics quiet;
    quiet.tolerate_unsupported();
    compose::LoadRequest request = load_request(context_);
    request.resolve_environment = false;
    const std::optional<compose::Project> project = compose::load(request, files, quiet);
    if (!project) return;
    for (const auto& [name, service] : project->services) add(name, service.image.value_or(""));
    for (const auto& [name, service] : project->disabled_services) add(name, "profile " + service.profiles.front());
  }

  void containers() {
    for (const engine::Container& container : engine::StateStore(context_.paths).observe().containers)
      add(container.record.name, container.record.config.image);
  }

  void images() {
    if (!sys::exists(context_.paths.images())) return;  // opening it would make it
    Result<images::Store> store = images::Store::open(context_.paths);
    if (!store) return;
    Result<std::vector<images::Image>> all = store->list();
    for (size_t i = 0; all && i < all->size(); ++i) {
      for (const std::string& name : (*all)[i].names) add(images::familiar_name(name), "");
    }
  }

  void volumes() {
    if (!sys::exists(context_.paths.root)) return;
    Result<volumes::VolumeStore> store = volumes::VolumeStore::open(context_.paths);
    if (!store) return;
    Result<std::vector<volumes::Volume>> all = store->list();
    for (size_t i = 0; all && i < all->size(); ++i) add((*all)[i].name, (*all)[i].driver);
  }

  /// What would not be one word is left out.
  void add(const std::string& word, const std::string& about) {
    const bool plain = std::all_of(word.begin(), word.end(), [](unsigned char c) { return c > ' ' && c != 0x7F; });
    if (!word.empty() && plain && word.starts_with(current_)) found_.push_back({word, printable(about)});
  }

  const CLI::App* command_;
  const std::vector<std::string>& words_;
  Context context_;
  std::string current_;
  const CLI::Option* waiting_ = nullptr;  // the word that comes is its value
  size_t arguments_ = 0;                  // words of the command that are no flags
  bool only_arguments_ = false;           // "--" was there
  bool open_ = false;
  std::vector<Candidate> found_;
};

}  // namespace

std::vector<Candidate> complete(const CLI::App& app, const std::vector<std::string>& words, const sys::Paths& paths) {
  return Completion(app, words, paths).run();
}

}  // namespace berth::cli
