internal import FirnWorlds
internal import Foundation

/// What is known of the place where output goes: a person's terminal, or a file or pipe.
struct Terminal: Sendable, Hashable {
  /// A standard stream, by its file descriptor.
  enum Stream: Int32, Sendable {
    case standardOutput = 1
    case standardError = 2
  }

  /// The width assumed where nothing tells it.
  static let defaultWidth = 100

  /// Whether a terminal that can move its cursor is connected.
  let isInteractive: Bool
  /// The number of character columns that a line may fill.
  let width: Int
  /// The number of columns that a table may fill; nil where a program reads it, for which a row is a line.
  let tableWidth: Int?
  /// Whether bold and dim text may be written.
  let usesStyles: Bool

  /// - Parameter breaksTables: whether tables keep to the width.
  init(
    isInteractive: Bool, width: Int = Terminal.defaultWidth, breaksTables: Bool = true,
    usesStyles: Bool = false
  ) {
    self.isInteractive = isInteractive
    self.width = max(1, width)
    tableWidth = breaksTables ? self.width : nil
    self.usesStyles = usesStyles
  }

  /// Describes a stream from the facts of the operating system.
  ///
  /// `COLUMNS` wins over the terminal's own width because whoever exports it means it; `NO_COLOR` (any
  /// value but an empty one) turns styles off; `TERM=dumb` counts as not interactive, since such a terminal
  /// cannot redraw a line.
  ///
  /// - Parameters:
  ///   - isTerminal: Whether the stream is connected to a terminal.
  ///   - columns: The width that the terminal reports.
  ///   - environment: Looks up an environment variable.
  init(isTerminal: Bool, columns: Int?, environment: (String) -> String?) {
    let exported = environment("COLUMNS").flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil }
    let isInteractive = isTerminal && environment("TERM") != "dumb"
    self.init(
      isInteractive: isInteractive,
      width: exported ?? columns ?? Terminal.defaultWidth,
      breaksTables: exported != nil || columns != nil || isTerminal,
      usesStyles: isInteractive && (environment("NO_COLOR") ?? "").isEmpty)
  }

  /// The state of a standard stream at this moment.
  ///
  /// Launchers of MPI pass on what their processes write, to a file as it may be; Open MPI's gives them a terminal of its
  /// own for that, which says nothing of where it goes.
  static func current(_ stream: Stream) -> Terminal {
    let isLaunched = World.launchedRank(ProcessInfo.processInfo.environment) != nil
    let isTerminal = Platform.isTerminal(stream) && !isLaunched
    return Terminal(
      isTerminal: isTerminal,
      columns: isTerminal ? Platform.columns(of: stream) : nil,
      environment: Platform.environment)
  }

  /// The text in bold where styles may be used, else unchanged.
  func bold(_ text: String) -> String {
    styled(text, code: 1)
  }

  /// The text dimmed where styles may be used, else unchanged.
  func dim(_ text: String) -> String {
    styled(text, code: 2)
  }

  private func styled(_ text: String, code: Int) -> String {
    usesStyles ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
  }
}
