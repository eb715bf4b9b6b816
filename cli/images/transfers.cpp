#include "cli/images/transfers.h"

#include <fmt/core.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <thread>

#include "base/text.h"
#include "cli/helper_program.h"
#include "cli/images/traced_progress.h"
#include "cli/images/transfer_view.h"
#include "cli/project.h"
#include "cli/transfer.h"
#include "images/store.h"
#include "registry/pull.h"
#include "registry/push.h"
#include "sys/file.h"

namespace berth::cli {
namespace {

constexpr std::ptrdiff_t kLayersAtOnce = 4;
constexpr size_t kImagesAtOnce = 8;

Result<std::optional<images::Platform>> wanted_platform(const std::string& asked) {
  const char* fallback = getenv("DOCKER_DEFAULT_PLATFORM");
  std::string text = !asked.empty() ? asked : fallback != nullptr ? fallback : "";
  if (text.empty()) return std::optional<images::Platform>();
  BERTH_TRY(images::Platform platform, images::parse_platform(text));
  return std::optional(std::move(platform));
}

/// What every transfer of this process shares.
struct Session {
  images::Store store;
  TransferView view;
  registry::Client client;
  registry::Slots slots{kLayersAtOnce};
  int trace = -1;  // trace::write_span()

  Session(images::Store store_, registry::Settings settings, const Context& context, TransferView::Detail detail,
          bool push, bool quiet)
      : store(std::move(store_)),
        view(context, detail, push, quiet),
        client(std::move(settings), [this](const std::string& text) { view.note(text); }) {}

  static Result<std::unique_ptr<Session>> begin(const Context& context, TransferView::Detail detail, bool push,
                                                bool quiet) {
    BERTH_TRY(images::Store store, images::Store::open(context.paths));
    BERTH_TRY(registry::Settings settings, registry::load_settings());
    settings.patience.cancelled = cancelled;
    return std::make_unique<Session>(std::move(store), std::move(settings), context, detail, push, quiet);
  }

  Result<registry::Pulled> pull(const std::string& label, const images::Reference& reference,
                                const std::string& platform) {
    BERTH_TRY(std::optional<images::Platform> wanted, wanted_platform(platform));
    TracedProgress progress(trace, label, view.of(label));
    Result<registry::Pulled> pulled =
        registry::pull(client, store, {reference, std::move(wanted)}, slots, progress, cancelled);
    progress.finish(pulled.ok());
    return pulled;
  }
  Result<registry::Pushed> push(const std::string& label, const images::Reference& reference) {
    return registry::push(client, store, reference, slots, view.of(label), cancelled);
  }
};

int exit_code(const Context& context, const Status& status) {
  if (cancelled()) return 128 + caught_signal();
  return report(context, status);
}

std::string tag_or_digest(const images::Reference& reference) {
  return reference.digest ? reference.digest->str() : reference.tag;
}

Status pull_and_tell(Session& session, const images::Reference& reference, const ImageTransferFlags& flags) {
  if (!flags.quiet)
    fmt::print("{}: Pulling from {}\n", tag_or_digest(reference),
               reference.domain == "docker.io" ? reference.path : reference.familiar_repository());
  BERTH_TRY(registry::Pulled pulled, session.pull(reference.familiar(), reference, flags.platform));
  session.view.finish();
  if (flags.quiet) {
    fmt::print("{}\n", reference.str());
    return {};
  }
  fmt::print("Digest: {}\nStatus: {} for {}\n{}\n", pulled.digest.str(),
             pulled.newer ? "Downloaded newer image" : "Image is up to date", reference.familiar(), reference.str());
  return {};
}

Status pull_one_or_all(const Context& context, const ImageTransferFlags& flags) {
  BERTH_TRY(images::Reference reference, images::parse_reference(flags.name));
  bool no_tag = !reference.digest && flags.name != reference.familiar() && flags.name != reference.str() &&
                !flags.name.ends_with(":" + reference.tag);
  if (flags.all_tags && !no_tag) return make_error("a tag can't be used with --all-tags/-a");
  BERTH_TRY(std::unique_ptr<Session> session,
            Session::begin(context, TransferView::Detail::layers, false, flags.quiet));
  Status status;
  if (flags.all_tags) {
    BERTH_TRY(std::vector<std::string> tags, session->client.tags(reference));
    for (const std::string& tag : tags) {
      reference.tag = tag;
      if (status = pull_and_tell(*session, reference, flags); !status) break;
    }
  } else {
    if (no_tag && !flags.quiet) fmt::print("Using default tag: latest\n");
    status = pull_and_tell(*session, reference, flags);
  }
  session->view.finish();
  return status;
}

Status push_and_tell(Session& session, const images::Reference& reference, bool quiet) {
  BERTH_TRY(registry::Pushed pushed, session.push(reference.familiar(), reference));
  session.view.finish();
  if (quiet)
    fmt::print("{}\n", reference.str());
  else
    fmt::print("{}: digest: {} size: {}\n", reference.tag, pushed.digest.str(), pushed.size);
  return {};
}

Status push_one_or_all(const Context& context, const ImageTransferFlags& flags) {
  BERTH_TRY(images::Reference reference, images::parse_reference(flags.name));
  if (reference.digest) return make_error("cannot push a digest reference", "name a tag");
  BERTH_TRY(std::unique_ptr<Session> session, Session::begin(context, TransferView::Detail::layers, true, flags.quiet));
  if (!flags.quiet) fmt::print("The push refers to repository [{}]\n", reference.repository());
  if (!flags.all_tags) {
    Status status = push_and_tell(*session, reference, flags.quiet);
    session->view.finish();
    return status;
  }
  BERTH_TRY(std::vector<images::Image> all, session->store.list());
  bool any = false;
  for (const images::Image& image : all) {
    for (const std::string& name : image.names) {
      BERTH_TRY(images::Reference tagged, images::parse_reference(name));
      if (tagged.repository() != reference.repository() || tagged.digest) continue;
      any = true;
      Status status = push_and_tell(*session, tagged, flags.quiet);
      session->view.finish();
      if (!status) return status;
    }
  }
  if (!any) return make_error("no image of the repository " + reference.familiar_repository() + " is in the store");
  return {};
}

/// Images of a project, several at once.
class Batch {
 public:
  Batch(const Context& context, Session& session, const Transfer& transfer)
      : context_(context), session_(session), transfer_(transfer) {}

  int run() {
    {
      auto work = [this] {
        for (size_t next; !cancelled() && (next = next_++) < transfer_.items.size();) one(transfer_.items[next]);
      };
      std::vector<std::jthread> workers;
      try {
        while (workers.size() < std::min(most(), transfer_.items.size())) workers.emplace_back(work);
      } catch (const std::system_error&) {  // no more threads: with those that there are
        if (workers.empty()) work();
      }
    }
    session_.view.finish();
    for (const Error& error : errors_) print_error(context_, error);
    if (cancelled()) return 128 + caught_signal();
    return errors_.empty() || transfer_.ignore_failures ? 0 : 1;
  }

 private:
  [[nodiscard]] size_t most() const {
    return context_.parallel > 0 ? static_cast<size_t>(context_.parallel) : kImagesAtOnce;
  }

  void one(const Transfer::Item& item) {
    std::string label = "Image " + item.image;
    session_.view.begun(label);
    Status status = move(label, item);
    if (status) return session_.view.done(label);
    session_.view.failed(label);
    for (const std::string& who : item.asked_by) status.error().context.push_back(who);
    if (status.error().hint.empty()) status.error().hint = hint_for(item);
    std::lock_guard lock(mutex_);
    if (!cancelled()) errors_.push_back(std::move(status).error());
  }

  /// Where no registry has it, the nearest name that is here, and how to do without one; or what is here for others.
  std::string hint_for(const Transfer::Item& item) {
    Result<images::Image> local = session_.store.resolve(item.image);
    if (local && !item.platform.empty()) {
      const images::ImageConfig& config = local->config;
      return "the one that is here is for " +
             printable(images::Platform{config.os, config.architecture, config.variant}.str());
    }
    return local || transfer_.push ? "" : local.error().hint;
  }

  Status move(const std::string& label, const Transfer::Item& item) {
    BERTH_TRY(images::Reference reference, images::parse_reference(item.image));
    if (transfer_.push) {
      BERTH_TRY(registry::Pushed pushed, session_.push(label, reference).context("push {}", item.image));
      return {};
    }
    BERTH_TRY(registry::Pulled pulled, session_.pull(label, reference, item.platform).context("pull {}", item.image));
    return {};
  }

  const Context& context_;
  Session& session_;
  const Transfer& transfer_;
  std::atomic<size_t> next_ = 0;
  std::mutex mutex_;
  std::vector<Error> errors_;
};

}  // namespace

int pull_image(const Context& context, const ImageTransferFlags& flags) {
  catch_signals();
  return exit_code(context, pull_one_or_all(context, flags));
}

int push_image(const Context& context, const ImageTransferFlags& flags) {
  catch_signals();
  return exit_code(context, push_one_or_all(context, flags));
}

int transfer_images(const Context& context) {
  catch_signals();
  prctl(PR_SET_PDEATHSIG, SIGTERM);  // without the command that asked nobody wants the images
  auto run = [&]() -> Result<int> {
    BERTH_TRY(std::string text, sys::read_all(sys::FdRef(STDIN_FILENO)));
    BERTH_TRY(Transfer transfer, transfer_from_json(text));
    BERTH_TRY(std::unique_ptr<Session> session,
              Session::begin(context, TransferView::Detail::images, transfer.push, transfer.quiet));
    session->trace = transfer.trace;
    return Batch(context, *session, transfer).run();
  };
  Result<int> code = run();
  return code ? *code : report(context, code.error());
}

}  // namespace berth::cli
