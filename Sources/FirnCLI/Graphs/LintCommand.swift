internal import FirnCompiler
internal import FirnGraph

/// `firn lint`: what is suspicious about a graph and a freeze.
enum LintCommand {
  static let declaration = ArgumentParser.Command(
    name: "lint",
    summary: "find what is suspicious about a graph and what is frozen in it; exits 1 on findings",
    positionals: [GraphQuestion.file],
    options: GraphQuestion.options,
    examples: [
      .init(
        line: "firn lint model.firn --freeze encoder --weights encoder.safetensors",
        meaning: "before a long training")
    ])

  static func run(_ arguments: ParsedArguments, in shell: Shell) throws -> Int32 {
    let question = try GraphQuestion(arguments, in: shell)
    let findings = try question.explanation(loss: question.loss()).lint(loaded: question.weights?.loaded)
    if arguments.flag("json") {
      try shell.json(findings)
    } else {
      show(findings, in: shell)
    }
    return findings.isEmpty ? 0 : 1
  }

  private static func show(_ findings: [Finding], in shell: Shell) {
    if findings.isEmpty { return shell.line("nothing found") }
    for finding in findings {
      let start = "\(finding.code.rawValue) \(finding.severity.rawValue): "
      shell.paragraph(finding.message, indent: 5, first: start)
      for place in finding.places where !place.madeAt.isEmpty {
        shell.paragraph("at \(place.path) (\(place.madeAt))", indent: 5)
      }
      shell.paragraph("remedy: " + finding.remedy, indent: 5)
      shell.paragraph("see " + finding.page, indent: 5)
    }
    shell.line(findings.count == 1 ? "1 finding" : "\(findings.count) findings")
  }
}
