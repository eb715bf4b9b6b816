#include "cli/provider/providers.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "cli/progress.h"
#include "cli/project.h"
#include "cli/provider/conversation.h"
#include "cli/provider/program.h"
#include "cli/provider/protocol.h"
#include "cli/provider/record.h"
#include "cli/trace/recorder.h"
#include "compose/emit.h"
#include "compose/provider.h"
#include "compose/select.h"

namespace berth::cli {
namespace {

using provider::Message;
using provider::Record;
using provider::Records;
using Environment = std::map<std::string, std::string>;

/// A command of the protocol, in the words of the progress.
struct CommandWords {
  const char *command, *doing, *done;
};
constexpr CommandWords kUp{"up", "Creating", "Created"}, kDown{"down", "Removing", "Removed"},
    kStop{"stop", "Stopping", "Stopped"};

std::string first_line(const std::string& text) {
  return printable(std::string(trim(text)).substr(0, trim(text).find('\n')));
}

/// One provider after the other.
class Providers {
 public:
  Providers(const Context& context, Signals& signals, const Environment& environment)
      : progress_(context), signals_(signals), environment_(environment) {}

  /// What the program says of itself. Error: it cannot be started, or was cancelled.
  Result<provider::Metadata> metadata(const Record& record) {
    std::string text;
    BERTH_TRY(provider::End end, provider::converse({record.program, {"compose", "metadata"}, environment_}, signals_,
                                                    progress_, [&](const std::string& line) -> Result<std::string> {
                                                      text += line + "\n";
                                                      return std::string();
                                                    }));
    if (end.cancelled) return cancelled();
    return end.code == 0 ? provider::parse_metadata(text) : provider::Metadata();
  }

  /// `config`: what the provider may ask for, in JSON. The variables that it answers with are the record's from then
  /// on.
  Status call(const CommandWords& words, Record& record, const provider::Metadata& metadata,
              const std::string& config = "{}") {
    BERTH_TRY(std::vector<std::string> arguments,
              provider::arguments_for(words.command, record.project, record.service, record.options, metadata));
    progress_.line(record.service, words.doing, LiveSteps::State::working);
    Record answered = record;
    answered.setenv.clear(), answered.rawsetenv.clear();
    Result<provider::End> end =
        provider::converse({record.program, arguments, environment_}, signals_, progress_,
                           [&](const std::string& line) { return listen(line, config, answered); });
    Status status = judge(end, words, record, arguments);
    if (!status) {
      progress_.line(record.service, "Error", LiveSteps::State::failed, status.error().message());
      return status;
    }
    progress_.line(record.service, words.done, LiveSteps::State::done);
    record = std::move(answered);
    return {};
  }

  void warn(const std::string& text) { progress_.on_event({{"type", "warning"}, {"text", text}}); }
  void finish() { progress_.finish(); }
  [[nodiscard]] bool was_cancelled() const { return cancelled_; }

 private:
  Error cancelled() {
    cancelled_ = true;
    return make_error("cancelled");
  }

  Result<std::string> listen(const std::string& line, const std::string& config, Record& answered) {
    BERTH_TRY(Message message, provider::parse_message(line));
    switch (message.kind) {
      case Message::Kind::error:
        return make_error(printable(trim(message.text)));
      case Message::Kind::info:
        progress_.line(answered.service, first_line(message.text), LiveSteps::State::working);
        break;
      case Message::Kind::setenv:
        answered.setenv[message.name] = message.value;
        break;
      case Message::Kind::rawsetenv:
        answered.rawsetenv[message.name] = message.value;
        break;
      case Message::Kind::get_service_config:
        return config + "\n";
      case Message::Kind::debug:
        break;  // for whoever writes the provider
    }
    return std::string();
  }

  Status judge(Result<provider::End>& end, const CommandWords& words, const Record& record,
               const std::vector<std::string>& arguments) {
    const std::string called = fmt::format("it was called as: {} {}", record.program, join(arguments, " "));
    if (!end) {
      Error error = std::move(end).error();
      if (error.hint.empty()) error.hint = called;
      return error;
    }
    if (end->cancelled) return cancelled();
    if (end->code == 0) return {};
    std::string text = fmt::format("\"{}\" ended with exit code {}", words.command, end->code);
    if (!end->last_words.empty()) text += ": " + end->last_words;
    return make_error(std::move(text), called);
  }

  Progress progress_;
  Signals& signals_;
  const Environment& environment_;
  bool cancelled_ = false;
};

Error of_service(Error error, const std::string& service, const std::string& type) {
  error.context.push_back(fmt::format("provider \"{}\"", printable(type)));
  error.context.push_back(fmt::format("service \"{}\"", service));
  return error;
}

/// With whoever had to wait for it.
Error of_service(Error error, const compose::Service& service, const engine::Stack& stack) {
  error = of_service(std::move(error), service.name, compose::provider_of(service).type);
  error.context.push_back(service.place("provider").str());
  std::string text = error.message();
  for (const engine::ServiceConfig& other : stack.services) {
    for (const engine::DependencyConfig& dependency : other.depends_on) {
      if (dependency.service == service.name) text += fmt::format("\n  {} waited for {}", other.name, service.name);
    }
  }
  return make_error(std::move(text), error.hint);
}

/// JSON of the service as `config` shows it.
std::string config_of(const compose::Project& project, const std::string& service) {
  compose::Tree tree = compose::to_tree(project, {.escape_dollar = false});
  return compose::json_text(*tree.find("services")->find(service), false);
}

const Record* find(const std::vector<Record>& records, const std::string& service) {
  auto found = std::find_if(records.begin(), records.end(), [&](const Record& one) { return one.service == service; });
  return found == records.end() ? nullptr : &*found;
}

/// Brings one up; it is on record before it begins.
Status bring_one_up(Providers& providers, const Records& records, const compose::Project& project,
                    const compose::Service& service, const compose::Provider& wanted, Record& record) {
  record.project = project.name;
  record.service = service.name;
  record.type = wanted.type;
  record.options = wanted.options;
  BERTH_TRY(record.program, provider::find_program(record.type));
  BERTH_TRY(provider::Metadata metadata, providers.metadata(record));
  record.stops = metadata.stop.has_value();
  BERTH_TRY_OK(records.write(record));
  BERTH_TRY_OK(providers.call(kUp, record, metadata, config_of(project, service.name)));
  return records.write(record);
}

void set_variable(compose::Env& environment, const std::string& name, const std::string& value) {
  auto known = std::find_if(environment.begin(), environment.end(), [&](const auto& one) { return one.first == name; });
  if (known == environment.end())
    environment.emplace_back(name, value);
  else
    known->second = value;
}

/// Into the environment of all that depend on it. `warn` takes what is worth a word.
void give_variables(const Record& record, engine::Stack& stack, const std::function<void(const std::string&)>& warn) {
  for (engine::ServiceConfig& service : stack.services) {
    const bool depends = std::any_of(service.depends_on.begin(), service.depends_on.end(),
                                     [&](const auto& dependency) { return dependency.service == record.service; });
    if (!depends) continue;
    compose::Env& environment = service.container.environment;
    for (const auto& [name, value] : record.setenv)
      set_variable(environment, provider::prefixed(record.service, name), value);
    for (const auto& [name, value] : record.rawsetenv) {
      const bool other = std::any_of(environment.begin(), environment.end(),
                                     [&](const auto& one) { return one.first == name && one.second != value; });
      if (other)
        warn(fmt::format("provider of service \"{}\" overrides environment variable \"{}\" in service \"{}\"",
                         record.service, printable(name), service.name));
      set_variable(environment, name, value);
    }
  }
}

/// Records of the selection, last brought up first.
Result<std::vector<Record>> chosen_records(const Context& context, const engine::Selection& selection) {
  BERTH_TRY(std::vector<Record> records, Records(context.paths).of(selection.project));
  std::erase_if(records, [&](const Record& record) {
    return !selection.services.empty() && !selection.services.contains(record.service);
  });
  std::reverse(records.begin(), records.end());
  return records;
}

Status call_again(Providers& providers, const CommandWords& words, Record& record) {
  if (!provider::is_program(record.program)) {
    BERTH_TRY(record.program, provider::find_program(record.type));
  }
  BERTH_TRY(provider::Metadata metadata, providers.metadata(record));
  if (words.command == kStop.command && !metadata.stop) return {};  // another version of it
  return providers.call(words, record, metadata);
}

/// Has each called, and says what goes wrong; `after` follows what went well.
int call_each(const Context& context, const CommandWords& words, std::vector<Record> records,
              const Environment& environment, Signals& signals, const std::function<Status(const Record&)>& after) {
  Providers providers(context, signals, environment);
  int code = 0;
  for (Record& record : records) {
    Status status = call_again(providers, words, record);
    if (status) status = after(record);
    if (providers.was_cancelled()) return providers.finish(), 130;
    if (status) continue;
    providers.finish();
    code = report(context, of_service(std::move(status).error(), record.service, record.type));
  }
  providers.finish();
  return code;
}

}  // namespace

std::vector<std::string> provided_services(const compose::Project& project, const std::vector<std::string>& services) {
  Result<std::vector<std::string>> names = compose::select_services(project, services, compose::Follow::dependencies);
  if (!names) return {};  // whoever made the stack has said why
  std::erase_if(*names, [&](const std::string& name) { return !compose::has_provider(project.services.at(name)); });
  return *names;
}

std::vector<std::string> recorded_providers(const Context& context, const std::string& project) {
  std::vector<std::string> names;
  Result<std::vector<Record>> records = Records(context.paths).of(project);
  if (!records) return names;
  for (Record& record : *records) names.push_back(std::move(record.service));
  return names;
}

int bring_providers(const Context& context, const compose::Project& project, const std::vector<std::string>& services,
                    bool no_deps, engine::Stack& stack, std::vector<Errand>& errands) {
  const std::vector<std::string> known = provided_services(project, {});
  if (known.empty()) return 0;
  const std::vector<std::string> reachable = provided_services(project, services);
  auto is_chosen = [&](const std::string& name) {
    const std::vector<std::string>& from = no_deps && !services.empty() ? services : reachable;
    return std::find(from.begin(), from.end(), name) != from.end();
  };
  const Records records(context.paths);
  Result<std::vector<Record>> before = records.of(project.name);
  if (!before) return report(context, before.error());
  trace::Part part(context.trace, "bring up providers");
  Signals signals;
  Providers providers(context, signals, project.environment);
  for (size_t place = 0; place < known.size(); ++place) {
    const compose::Service& service = project.services.at(known[place]);
    const compose::Provider wanted = compose::provider_of(service);
    const Record* old = find(*before, service.name);
    Record record = old == nullptr ? Record() : *old;
    record.order = static_cast<int64_t>(place);
    if (is_chosen(service.name) && context.dry_run) {
      const bool same = old != nullptr && old->type == wanted.type && old->options == wanted.options;
      if (!same) errands.push_back({"Create", service.name, old == nullptr ? "is not up" : "has changed", "provider"});
    } else if (is_chosen(service.name)) {
      Status brought = bring_one_up(providers, records, project, service, wanted, record);
      if (providers.was_cancelled()) return providers.finish(), 130;
      if (!brought) {
        providers.finish();
        return report(context, of_service(std::move(brought).error(), service, stack));
      }
    } else if (old == nullptr) {
      continue;
    }
    give_variables(record, stack, [&](const std::string& text) { providers.warn(text); });
  }
  providers.finish();
  return 0;
}

int take_down_providers(const Context& context, const engine::Selection& selection, const Environment& environment) {
  Result<std::vector<Record>> records = chosen_records(context, selection);
  if (!records) return report(context, records.error());
  if (records->empty()) return 0;
  Signals signals;
  return call_each(context, kDown, std::move(*records), environment, signals,
                   [&](const Record& record) { return Records(context.paths).remove(record); });
}

void add_take_down(const Context& context, const engine::Selection& selection, std::vector<Errand>& errands) {
  Result<std::vector<Record>> records = chosen_records(context, selection);
  if (!records) return print_error(context, records.error());
  for (const Record& record : *records)
    errands.push_back({"Remove", record.service, "its provider is " + printable(record.type), "provider"});
}

int stop_providers(const Context& context, const engine::Selection& selection, const Environment& environment,
                   Signals& signals) {
  Result<std::vector<Record>> records = chosen_records(context, selection);
  if (!records) return report(context, records.error());
  std::erase_if(*records, [](const Record& record) { return !record.stops; });
  return records->empty() ? 0 : call_each(context, kStop, std::move(*records), environment, signals, [](const Record&) {
    return Status();
  });
}

}  // namespace berth::cli
