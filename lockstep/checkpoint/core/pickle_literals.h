#pragma once

#include "lockstep/checkpoint/core/pickle_reader.h"
#include "lockstep/checkpoint/core/pickle_stack.h"

namespace lockstep::checkpoint {

/// Does what an operation asks for that pushes a value which stands behind it, such as a number or a text, or an empty
/// collection. Says whether it is such a one. Throws std::invalid_argument where the pickle ends before.
bool push_literal(char operation, PickleReader& reader, PickleStack& stack);

}  // namespace lockstep::checkpoint
