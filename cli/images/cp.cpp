// cp: a tar between two places. One side writes it, the other unpacks it, at the same time; with - there is one side.

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <csignal>
#include <thread>

#include "base/text.h"
#include "cli/cmd_cp.h"
#include "cli/container_choice.h"
#include "cli/container_files.h"
#include "cli/images/commands.h"
#include "cli/images/copy_path.h"
#include "cli/output_file.h"
#include "cli/progress.h"
#include "cli/project.h"
#include "engine/plan_down.h"
#include "images/layer_unpack.h"
#include "images/tree_tar.h"
#include "sys/directory.h"
#include "sys/file.h"

namespace berth::cli {
namespace {

struct Operand {
  std::string owner;  // the service or container; empty = a path of the host
  std::string path;
};

/// "web:/etc" is of the service; "./web:1", "/web:1" and names without a colon are of the host.
Operand parse_operand(const std::string& text) {
  size_t colon = text.find(':');
  if (colon == std::string::npos || colon == 0 || text.front() == '/' || text.front() == '.') return {"", text};
  return {text.substr(0, colon), text.substr(colon + 1)};
}

/// A directory tree into a tar, under `name` ("" = what is in it).
class TreeWriter {
 public:
  TreeWriter(images::TreeTar& tree, const images::TreeTar::Changes& changes) : tree_(tree), changes_(changes) {}

  Status write(const CopyPath& source, const std::string& name) {
    if (!name.empty()) return add(source.parent.ref(), source.name, name);
    BERTH_TRY(sys::UniqueFd directory, open_directory(source.parent.ref(), source.name));
    return add_contents(directory.ref(), "");
  }

 private:
  static Result<sys::UniqueFd> open_directory(sys::FdRef parent, const std::string& name) {
    return sys::open_at(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  }

  Status add(sys::FdRef parent, const std::string& name, const std::string& path) {
    BERTH_TRY(bool added, tree_.add(parent, name, path, changes_));
    if (!added) return {};
    Result<sys::UniqueFd> directory = open_directory(parent, name);
    if (!directory) return {};  // no directory
    return add_contents(directory->ref(), path + "/");
  }

  Status add_contents(sys::FdRef directory, const std::string& prefix) {
    BERTH_TRY(std::vector<std::string> names, sys::names_in(directory));
    for (const std::string& name : names) BERTH_TRY_OK(add(directory, name, prefix + name));
    return {};
  }

  images::TreeTar& tree_;
  const images::TreeTar::Changes& changes_;
};

Status write_tar(const CopyPath& source, const std::string& name, const images::TreeTar::Changes& changes,
                 const images::WriteBytes& write) {
  images::TarWriter tar(write);
  images::TreeTar tree(tar);
  BERTH_TRY_OK(TreeWriter(tree, changes).write(source, name));
  return tar.finish();
}

Status unpack(sys::FdRef from, sys::FdRef directory) {
  images::UnpackOptions options;
  options.plain = true;
  Result<images::UnpackResult> unpacked =
      images::unpack_layer(images::read_blob_from(from, "the tar"), directory, options);
  return unpacked ? Status() : Status(std::move(unpacked).error());
}

/// The tar of the source, unpacked while it is written.
Status copy_tree(const CopyPath& source, const CopyTarget& target, const images::TreeTar::Changes& changes) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return sys_error("pipe", errno);
  sys::UniqueFd reader(ends[0]), writer(ends[1]);
  Status written;
  std::thread producer([&] {
    written = write_tar(source, target.name, changes,
                        [&](std::string_view bytes) { return sys::write_all(writer.ref(), bytes); });
    writer.reset();
  });
  Status unpacked = unpack(reader.ref(), target.directory.ref());
  reader.reset();  // who still writes hears of it
  producer.join();
  // A reader that gave up is why the writer failed, and a writer that failed is why the tar ended early.
  bool reader_left = !written && written.error().code == EPIPE;
  return written || reader_left ? std::move(unpacked) : std::move(written);
}

std::string absolute(const std::string& path) {
  if (path.starts_with('/')) return path;
  char here[PATH_MAX];
  return getcwd(here, sizeof here) == nullptr ? path : std::string(here) + "/" + path;
}

/// Relative to the container's root; "." is that itself. Keeps a slash at its end.
std::string below_root(const std::string& path) {
  size_t begin = path.find_first_not_of('/');
  return begin == std::string::npos ? "." : "./" + path.substr(begin);
}

/// The name that a source has of its own, also where it was followed to something else.
std::string base_name(const Operand& operand) {
  std::string path = operand.path;
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  std::string base = path.substr(path.rfind('/') + 1);
  return base == "." || base == ".." ? "" : base;
}

/// The containers that an operand is about: where something is copied to a service, all of its containers.
Result<std::vector<engine::Container>> containers_of(const Context& context, const CopyFlags& flags,
                                                     const std::string& owner, bool all_replicas) {
  if (!flags.of_service || !all_replicas || flags.index > 0) {
    BERTH_TRY(engine::Container container, find_container(context, {flags.of_service, owner, flags.index}));
    return std::vector<engine::Container>{std::move(container)};
  }
  std::optional<engine::Selection> selection = select(context, {owner});
  if (!selection) return make_error("no container was chosen");
  selection->include_one_off = flags.all;
  engine::Observed observed = engine::StateStore(context.paths).observe();
  std::vector<engine::Container> containers;
  for (const engine::Container* container : engine::select(observed, *selection)) containers.push_back(*container);
  if (containers.empty())
    return make_error("service \"" + printable(owner) + "\" has no container",
                      "make one with `berth up -d " + owner + "`");
  return containers;
}

class Copy {
 public:
  Copy(const Context& context, const CopyFlags& flags)
      : context_(context),
        flags_(flags),
        source_(parse_operand(flags.source)),
        target_(parse_operand(flags.target)),
        progress_(context) {}

  Status run() {
    if (source_.owner.empty() == target_.owner.empty()) {
      bool none = source_.owner.empty();
      std::string name = flags_.of_service ? "SERVICE" : "CONTAINER";
      return make_error(none ? "must specify at least one container source: " + name + ":PATH"
                             : "copying between containers is not supported",
                        none ? "" : "copy to a path here first");
    }
    (void)signal(SIGPIPE, SIG_IGN);  // the side that reads tells what was wrong
    const std::string& owner = source_.owner + target_.owner;
    bool to_container = source_.owner.empty();
    BERTH_TRY(std::vector<engine::Container> containers, containers_of(context_, flags_, owner, to_container));
    if (!to_container) return report(containers.front(), [&] { return from(containers.front()); });
    if (source_.path == "-" && containers.size() > 1)
      return make_error("standard input can be read only once, and \"" + owner + "\" has several containers",
                        "choose one with --index");
    for (const engine::Container& container : containers)
      BERTH_TRY_OK(report(container, [&] { return to(container); }));
    return {};
  }

 private:
  template <class Work>
  Status report(const engine::Container& container, Work work) {
    auto tell = [&](const char* state) {
      bool quiet = flags_.quiet || source_.path == "-" || target_.path == "-";
      if (quiet) return;
      progress_.on_event({{"type", "step"},
                          {"kind", "Container"},
                          {"name", container.record.name},
                          {"verb", "Copy"},
                          {"state", state}});
    };
    tell("started");
    Status done = work();
    tell(done ? "done" : "failed");
    return done ? std::move(done) : std::move(done).context("cp {} {}", flags_.source, flags_.target);
  }

  Status to(const engine::Container& container) {
    BERTH_TRY(sys::UniqueFd files, open_container_root(context_, container));
    Result<CopyPath> target = CopyPath::resolve(files.ref(), below_root(target_.path), true);
    if (!target) return no_such(target.error(), target_.path, container.record.name);
    if (source_.path == "-") {
      if (!target->is_directory()) return make_error("the destination of a tar must be a directory");
      BERTH_TRY(sys::UniqueFd directory,
                sys::open_at(target->parent.ref(), target->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
      return unpack(sys::FdRef(STDIN_FILENO), directory.ref());
    }
    BERTH_TRY(sys::UniqueFd root, sys::open_file("/", O_PATH | O_DIRECTORY));
    BERTH_TRY(CopyPath source, CopyPath::resolve(root.ref(), absolute(source_.path), flags_.follow_link));
    if (!source.info) return make_error("no such file or directory: " + printable(source_.path));
    return finish(std::move(source), std::move(*target), 0, 0);
  }

  Status from(const engine::Container& container) {
    BERTH_TRY(sys::UniqueFd files, open_container_root(context_, container));
    Result<CopyPath> source = CopyPath::resolve(files.ref(), below_root(source_.path), flags_.follow_link);
    if (!source) return no_such(source.error(), source_.path, container.record.name);
    if (!source->info) return no_such(sys_error("", ENOENT), source_.path, container.record.name);
    if (target_.path == "-") {
      BERTH_TRY(OutputFile output, OutputFile::open(""));
      std::string name = source->contents_only ? "" : base_name(source_);
      BERTH_TRY_OK(write_tar(*source, name, {}, [&](std::string_view bytes) { return output.write(bytes); }));
      return output.complete();
    }
    BERTH_TRY(sys::UniqueFd root, sys::open_file("/", O_PATH | O_DIRECTORY));
    BERTH_TRY(CopyPath target, CopyPath::resolve(root.ref(), absolute(target_.path), true));
    return finish(std::move(*source), std::move(target), geteuid(), getegid());
  }

  /// `uid` and `gid`: who owns the copies, unless they keep their owners.
  Status finish(CopyPath source, CopyPath target, uid_t uid, gid_t gid) {
    std::string base = base_name(source_);
    if (base.empty()) source.contents_only = source.is_directory();
    BERTH_TRY(CopyTarget place, copy_target(std::move(target), source, base));
    images::TreeTar::Changes changes;
    if (!flags_.archive) {
      changes.uid = uid;
      changes.gid = gid;
    }
    return copy_tree(source, place, changes);
  }

  static Error no_such(const Error& error, const std::string& path, const std::string& container) {
    if (error.code != ENOENT && error.code != ENOTDIR) return error;
    return make_error(fmt::format("Could not find the file {} in container {}", printable(path), container));
  }

  const Context& context_;
  const CopyFlags& flags_;
  Operand source_, target_;
  Progress progress_;
};

}  // namespace

Status copy_files(const Context& context, const CopyFlags& flags) {
  return Copy(context, flags).run();
}

}  // namespace berth::cli
