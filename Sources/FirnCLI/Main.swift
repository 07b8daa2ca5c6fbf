internal import FirnGraph
internal import Foundation

/// The command `firn`.
@main
enum Main {
  static let parser = ArgumentParser(
    program: "firn",
    summary: "Partial training: freeze a scope, and what can no longer change costs nothing.",
    commands: [DemoCommand.declaration, DotCommand.declaration])

  static func main() {
    do {
      let arguments = try parser.parse(Array(CommandLine.arguments.dropFirst()))
      if let help = arguments.help {
        print(help)
        return
      }
      try run(arguments)
    } catch let error as UsageError {
      fail(error.description, code: UsageError.exitCode)
    } catch {
      fail("\(error)", code: 1)
    }
  }

  private static func run(_ arguments: ParsedArguments) throws(FirnError) {
    switch arguments.command {
    case DemoCommand.declaration.name: try DemoCommand.run(arguments)
    case DotCommand.declaration.name: try DotCommand.run(arguments)
    default: firnBug("firn", "a declared command is not run")
    }
  }

  private static func fail(_ message: String, code: Int32) -> Never {
    Platform.write(message + "\n", to: .standardError)
    exit(code)
  }
}
