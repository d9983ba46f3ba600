#pragma once

namespace lockstep::cli {

/// The program: runs the command that the arguments name and gives the exit code (docs/exit-codes.md). Errors are one
/// line on stderr.
int run_program(int argc, char** argv);

}  // namespace lockstep::cli
