#include "cli/cmd_transfer.h"

#include <CLI/CLI.hpp>
#include <memory>

namespace berth::cli {

void add_image_transfer_commands(CLI::App& noun, Context& context, const ImageTransferCommands& commands) {
  auto add = [&](const char* word, const char* help, const std::function<int(const ImageTransferFlags&)>& run) {
    auto flags = std::make_shared<ImageTransferFlags>();
    CLI::App* command = noun.add_subcommand(word, help);
    command->add_option("NAME", flags->name, "NAME[:TAG|@DIGEST]")->required();
    command->add_flag("-q,--quiet", flags->quiet, "Suppress verbose output");
    command->add_flag("--disable-content-trust")->group("");  // Docker's; there is no content trust to disable
    command->callback([&context, flags, run] { context.command = [flags, run] { return run(*flags); }; });
    return std::pair(command, flags);
  };
  auto [pull, pull_flags] = add("pull", "Download an image from a registry", commands.pull);
  pull->add_flag("-a,--all-tags", pull_flags->all_tags, "Download all tagged images in the repository");
  pull->add_option("--platform", pull_flags->platform, "Platform of a multi-platform image, such as linux/arm64");
  auto [push, push_flags] = add("push", "Upload an image to a registry", commands.push);
  push->add_flag("-a,--all-tags", push_flags->all_tags, "Push all tags of an image to the repository");
}

}  // namespace berth::cli
