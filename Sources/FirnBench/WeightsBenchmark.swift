import FirnFormats
import FirnGraph
import FirnOps
import FirnRuntime
import Foundation

/// A session on a gigabyte of frozen weights: how long it takes to open, and what of the file comes into memory.
///
/// The file is made on the spot and sparse: on the disk it takes next to nothing, in memory what is touched.
enum WeightsBenchmark {
  private static let count = 16
  private static let width = 4096

  static func run() throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent(
      "firn-\(UUID().uuidString).safetensors"
    ).path
    try makeFile(path)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", Dim(width)])
    let products = graph.scope("frozen", trainable: false) {
      (0..<count).map { matmul(x, graph.variable("kernel_\($0)", shape: Shape([width, width]))) }
    }
    let before = residentMegabytes()
    var session: Session?
    let open = try milliseconds(runs: 1) {
      let opened = try Session(graph)
      try opened.load(Weights(contentsOf: path))
      session = opened
    }
    guard let session else { return }
    let opened = residentMegabytes()
    print("file 1024 MB in \(count) tensors")
    print("open and load    ", column(open), "ms   resident", growth(before, opened))
    var program: Program?
    let compile = try milliseconds(runs: 1) { program = try session.compile(fetching: [products[0]]) }
    let compiled = residentMegabytes()
    print("compile          ", column(compile), "ms   resident", growth(opened, compiled))
    guard let program else { return }
    let feeds: Feeds = [x: try NDArray(zeros: [1, width])]
    let run = try milliseconds(runs: 1) { try session.run(program, feeding: feeds) }
    print("run on one tensor", column(run), "ms   resident", growth(compiled, residentMegabytes()))
  }

  private static func makeFile(_ path: String) throws {
    let bytes = width * width * 4
    let tensors = (0..<count).map {
      #""frozen/kernel_\#($0)":{"dtype":"F32","shape":[\#(width),\#(width)],"data_offsets":[\#($0 * bytes),\#(($0 + 1) * bytes)]}"#
    }
    var header = Array("{\(tensors.joined(separator: ","))}".utf8)
    while header.count % 8 != 0 { header.append(UInt8(ascii: " ")) }
    let length = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Data($0) }
    try (length + Data(header)).write(to: URL(fileURLWithPath: path))
    let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    try file.truncate(atOffset: UInt64(8 + header.count + count * bytes))
    try file.close()
  }

  /// Memory of this process, where the system says.
  private static func residentMegabytes() -> Double? {
    guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return nil }
    let pages = text.split(separator: " ").dropFirst().first.flatMap { Double($0) }
    return pages.map { $0 * Double(sysconf(Int32(_SC_PAGESIZE))) / 1_048_576 }
  }

  private static func growth(_ before: Double?, _ after: Double?) -> String {
    guard let before, let after else { return "unknown" }
    return column(after - before, digits: 1, width: 8) + " MB more"
  }
}
