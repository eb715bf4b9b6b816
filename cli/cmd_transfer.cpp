#include "cli/cmd_transfer.h"

#include <memory>

namespace berth::cli {

void add_image_transfer_commands(Command noun, Context& context, const ImageTransferCommands& commands) {
  auto add = [&](const char* word, const char* help, const std::function<int(const ImageTransferFlags&)>& run) {
    auto flags = std::make_shared<ImageTransferFlags>();
    Command command = noun.add_command(word, help);
    command.option("NAME", flags->name, "NAME[:TAG|@DIGEST]").required();
    command.flag("-q,--quiet", flags->quiet, "Suppress verbose output");
    command.ignore_flag("--disable-content-trust");  // Docker's; there is no content trust to disable
    command.runs(context, [flags, run] { return run(*flags); });
    return std::pair(command, flags);
  };
  auto [pull, pull_flags] = add("pull", "Download an image from a registry", commands.pull);
  pull.flag("-a,--all-tags", pull_flags->all_tags, "Download all tagged images in the repository");
  pull.option("--platform", pull_flags->platform, "Platform of a multi-platform image, such as linux/arm64");
  auto [push, push_flags] = add("push", "Upload an image to a registry", commands.push);
  push.flag("-a,--all-tags", push_flags->all_tags, "Push all tags of an image to the repository");
}

}  // namespace berth::cli
