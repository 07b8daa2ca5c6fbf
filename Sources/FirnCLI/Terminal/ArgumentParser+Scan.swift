internal import FirnGraph

extension ArgumentParser {
  /// The state of a parse: what may come, and what has been seen.
  struct Scan {
    var context: String
    var options: [Option]
    var positionals: [String] = []
    private var flags: Set<String> = []
    private var values: [String: [String]] = [:]

    init(context: String, options: [Option]) {
      self.context = context
      self.options = options
    }

    /// Takes an option and, where it has one that is not joined with `=`, its value from the arguments
    /// behind it.
    mutating func takeOption(_ argument: String, rest: inout ArraySlice<String>) throws(UsageError) {
      let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        .map(String.init)
      let written = parts[0]
      let option = try option(written)
      var joined = parts.count > 1 ? parts[1] : nil
      if case .flag = option.value {
        if let joined { throw UsageError(context, "'\(written)' takes no value, but was given '\(joined)'") }
        flags.insert(option.name)
        return
      }
      if joined == nil, let next = rest.first, !next.hasPrefix("--") {
        joined = next
        rest.removeFirst()
      }
      guard let value = joined else {
        let form = "\(written) \(option.value.placeholder)"
        throw UsageError(context, "'\(written)' needs a value", remedy: "write '\(form)'")
      }
      if let fault = option.value.fault(in: value) {
        throw UsageError(context, "'\(value)' is not a valid value for '\(written)'", remedy: fault)
      }
      guard option.repeats || values[option.name] == nil else {
        throw UsageError(context, "'\(written)' is given more than once", remedy: "keep one of them")
      }
      values[option.name, default: []].append(value)
    }

    /// Checks that the count of positional arguments is one that was declared.
    func checkPositionals(against declared: [Positional]) throws(UsageError) {
      let required = declared.filter { $0.count == .one }
      if positionals.count < required.count {
        let missing = required[positionals.count]
        throw UsageError(context, "<\(missing.name)> is missing", remedy: "it is: \(missing.help)")
      }
      if positionals.count > declared.count && !declared.contains(where: { $0.count == .any }) {
        let surplus = positionals[declared.count]
        let names = declared.map { "<\($0.name)>" }.joined(separator: " ")
        throw UsageError(
          context, "unexpected argument '\(surplus)'",
          remedy: "the command takes \(declared.isEmpty ? "options" : names) only")
      }
      for (positional, argument) in zip(declared, positionals) where !positional.choices.isEmpty {
        if let fault = ArgumentParser.Value.choice(positional.choices).fault(in: argument) {
          throw UsageError(context, "'\(argument)' is not a <\(positional.name)>", remedy: fault)
        }
      }
    }

    /// What was seen, with the defaults of what was not.
    func result(command: String) -> ParsedArguments {
      var values = values
      for option in options where values[option.name] == nil {
        if let value = option.defaultValue { values[option.name] = [value] }
      }
      return ParsedArguments(
        command: command, positionals: positionals, flags: flags, values: values,
        given: Set(self.values.keys))
    }

    private func option(_ written: String) throws(UsageError) -> Option {
      if let option = options.first(where: { "--" + $0.name == written }) { return option }
      let names = options.map(\.name) + ["help"]
      let word = String(written.drop { $0 == "-" })
      let all = names.map { "--" + $0 }.joined(separator: ", ")
      let near = NearestNames(to: word, among: names, limit: 1).names.first
      throw UsageError(
        context, "unknown option '\(written)'",
        remedy: near.map { "did you mean --\($0)?" } ?? "the options are \(all)")
    }
  }
}

extension ArgumentParser.Value {
  /// What stands for a value of this kind in the help.
  var placeholder: String {
    switch self {
    case .flag: ""
    case .text(let placeholder): placeholder
    case .integer: "N"
    case .number: "X"
    case .choice(let words): words.joined(separator: "|")
    }
  }

  /// What a value should have been, or `nil` where it is valid.
  func fault(in text: String) -> String? {
    switch self {
    case .flag, .text:
      return nil
    case .integer(let range):
      if let number = Int(text), range.contains(number) { return nil }
      switch (range.lowerBound, range.upperBound) {
      case (.min, .max): return "it must be a whole number"
      case (let low, .max): return "it must be a whole number from \(low)"
      case (.min, let high): return "it must be a whole number up to \(high)"
      case (let low, let high): return "it must be a whole number from \(low) to \(high)"
      }
    case .number:
      return Double(text)?.isFinite == true ? nil : "it must be a finite number"
    case .choice(let words):
      if words.contains(text) { return nil }
      return NearestNames(to: text, among: words, limit: 1).question
        ?? "it must be one of \(words.joined(separator: ", "))"
    }
  }
}
