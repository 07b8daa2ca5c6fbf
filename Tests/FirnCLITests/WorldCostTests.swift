import FirnFormats
import FirnGraph
import FirnNotation
import Foundation
import Testing

/// `firn cost --world` counts what is trained, and nothing else.
@Suite struct WorldCostTests {
  private static let model = "Examples/Graphs/lstm-classifier.firn"

  private struct Answer: Decodable {
    struct Exchange: Decodable {
      var members: Int
      var bytes: Int
      var sentBytes: Int
      var sums: Int
      var waiting: Double
    }
    var exchange: Exchange
  }

  private func answer(_ options: String...) throws -> Answer.Exchange {
    let line = ["cost", Self.model, "--freeze", "encoder", "--bind", "batch=32,time=8", "--json"] + options
    let result = CommandLineRunner.run(line)
    #expect(result.code == 0 && result.errors.isEmpty, "\(result.errors)")
    return try JSONDecoder().decode(Answer.self, from: Data(result.output.utf8)).exchange
  }

  @Test func bytesAreThoseOfWhatIsTrained() throws {
    let graph = try GraphDef(contentsOfFile: CommandLineRunner.root + "/" + Self.model)
    let head = graph.variables.filter { $0.name.hasPrefix("head/") }
      .reduce(0) { $0 + ($1.type.byteCount.value ?? 0) }
    let found = try answer("--world", "8")
    // The weight of the run and the loss go along.
    #expect(head > 0 && found.bytes == head + 8)
    #expect(found.members == 8 && found.sums == 1)
    #expect(found.sentBytes == (head + 8) * 2 * 7 / 8)
  }

  /// A slower network is waited for longer.
  @Test func bandwidthAndLatencyCount() throws {
    let fast = try answer("--world", "8")
    #expect(try answer("--world", "8", "--bandwidth", "0.01").waiting > fast.waiting)
    #expect(try answer("--world", "8", "--latency", "500").waiting > fast.waiting)
    #expect(try answer("--world", "64").waiting > fast.waiting)
  }

  @Test(arguments: [["--world", "0"], ["--world", "many"], ["--world", "4", "--bandwidth", "-1"]])
  func whatIsNoWorldIsRefused(_ options: [String]) {
    let result = CommandLineRunner.run(["cost", Self.model] + options)
    #expect(result.code == 2 && result.output.isEmpty, "\(result.errors)")
  }
}
