import FirnFiles
public import FirnGraph
internal import Foundation

/// Writes what training shows to an event file that TensorBoard loads: curves, histograms, the graph.
///
///     let events = try EventWriter("runs/first")
///     try events.write(graph: program.graph)
///     for step in 0..<1000 {
///       let loss = try session.run(program, feeding: …).scalar(loss)
///       try events.write("loss", loss, step: step)
///     }
///
/// `tensorboard --logdir runs` shows the folders in `runs`, each as a run, also while they are being written: what a
/// call has written is in the file when it returns. Steps are whole numbers in any order that ascends for each name;
/// names with `/` are grouped.
///
/// The file is `events.out.tfevents.` with the time, the host and the process, in the folder, which is made; each
/// writer has one of its own, so that a run that is resumed goes on in the same folder.
///
/// Formats: TFRecord framing with masked CRC-32C; `tensorflow/core/util/event.proto`, `summary.proto`, `graph.proto`.
public final class EventWriter {
  private let file: AppendedFile
  private let now: () -> Double

  /// Where the events go.
  public var path: String { file.path }

  /// A new file in a folder.
  ///
  /// - Parameter folder: made where it is not there, as those above it are.
  /// - Throws: `.file` where folder or file cannot be made.
  public convenience init(_ folder: String) throws(FirnError) {
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw FirnError(
        .file, "'\(folder)' cannot be made into a folder: \((error as NSError).localizedDescription)",
        remedy: "name a folder, or where one can be made", place: folder)
    }
    let process = ProcessInfo.processInfo
    let host = process.hostName.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") ? $0 : "_" }
    let start = Int(Date().timeIntervalSince1970)
    // A second writer of one process and one second has the next number.
    var number = 0
    func name() -> String {
      let end = number == 0 ? "" : ".\(number)"
      return "events.out.tfevents.\(start).\(String(host)).\(process.processIdentifier)\(end)"
    }
    var path: String { URL(fileURLWithPath: folder).appendingPathComponent(name()).path }
    while FileManager.default.fileExists(atPath: path) { number += 1 }
    try self.init(creating: path) { Date().timeIntervalSince1970 }
  }

  /// - Parameter now: seconds since 1970.
  package init(creating path: String, now: @escaping () -> Double) throws(FirnError) {
    file = try AppendedFile(creating: path)
    self.now = now
    try write(step: nil) { $0.text(3, "brain.Event:2") }
  }

  // MARK: What is shown

  /// A point of a curve.
  ///
  /// - Parameters:
  ///   - name: what the curve is called; curves whose names begin alike, up to a `/`, are shown together.
  ///   - value: rounded to `f32`, as TensorBoard keeps it; NaN and infinities are points too.
  ///   - step: not negative.
  /// - Throws: `.file` where it cannot be written, `.invalidArgument` for an empty name or a negative step.
  public func write(_ name: String, _ value: Double, step: Int) throws(FirnError) {
    try write([name: value], step: step)
  }

  /// A point of each of several curves, as one event.
  ///
  /// - Throws: `.file` where it cannot be written, `.invalidArgument` for an empty name or a negative step.
  public func write(_ values: KeyValuePairs<String, Double>, step: Int) throws(FirnError) {
    for (name, _) in values { try check(name, step) }
    try write(step: step) { event in
      event.message(5) { summary in
        for (name, value) in values {
          summary.message(1) {
            $0.text(1, name)
            $0.float(2, Float(value))
          }
        }
      }
    }
  }

  /// How the elements of an array are distributed: weights, gradients, activations.
  ///
  /// Buckets are TensorFlow's. Elements that are NaN or infinite are in none; their number is a curve of its own,
  /// `NAME/not_finite`, where there are some.
  ///
  /// - Parameters:
  ///   - name: what the histogram is called.
  ///   - array: of any element type.
  ///   - step: not negative.
  /// - Throws: `.file` where it cannot be written, `.invalidArgument` for an empty name or a negative step.
  /// - Complexity: O(elements).
  public func write(histogram name: String, _ array: NDArray, step: Int) throws(FirnError) {
    try check(name, step)
    let histogram = Histogram(of: array.doubles)
    if histogram.notFinite > 0 { try write(name + "/not_finite", Double(histogram.notFinite), step: step) }
    guard histogram.count > 0 else { return }
    try write(step: step) { event in
      event.message(5) { summary in
        summary.message(1) { value in
          value.text(1, name)
          value.message(5) {
            $0.double(1, histogram.minimum)
            $0.double(2, histogram.maximum)
            $0.double(3, Double(histogram.count))
            $0.double(4, histogram.sum)
            $0.double(5, histogram.squares)
            $0.doubles(6, histogram.buckets.map(\.limit))
            $0.doubles(7, histogram.buckets.map { Double($0.count) })
          }
        }
      }
    }
  }

  /// The graph, with its scopes, the shapes that flow and, under "Color: device", what is frozen and what trained.
  ///
  /// A model's graph is `graph.definition`; `program.graph` has adjoints and updates too, and what the program froze. A
  /// node's device is what the variables of its scope are (`trainable`, `frozen`, `partly`, …), or the phase that it is
  /// of (`backward`, `update`). The nodes of a loop's body stand below the loop.
  ///
  /// - Throws: `.file` where it cannot be written.
  public func write(graph: GraphDef) throws(FirnError) {
    let bytes = GraphMessage(graph).bytes
    try write(step: nil) { $0.data(4, bytes) }
  }

  /// Brings what was written to the disk, so that it outlives the machine too.
  ///
  /// - Throws: `.file`.
  public func synchronize() throws(FirnError) { try file.synchronize() }

  // MARK: Records

  private func check(_ name: String, _ step: Int) throws(FirnError) {
    guard name.isEmpty || step < 0 else { return }
    throw FirnError(
      .invalidArgument, "an event called `\(name)` at step \(step)",
      remedy: "give a name, and a step of 0 or more",
      place: path)
  }

  private func write(step: Int?, _ build: (inout EventMessage) -> Void) throws(FirnError) {
    var event = EventMessage()
    event.double(1, now())
    if let step { event.integer(2, step) }
    build(&event)
    try file.append(Self.record(event.bytes))
  }

  /// A TFRecord: the length and its checksum, the bytes and theirs.
  static func record(_ bytes: [UInt8]) -> [UInt8] {
    func masked(_ bytes: [UInt8]) -> [UInt8] {
      let checksum = bytes.withUnsafeBytes { CyclicRedundancyCheck.castagnoli.checksum($0) }
      return withUnsafeBytes(of: CyclicRedundancyCheck.masked(checksum).littleEndian) { Array($0) }
    }
    let length = withUnsafeBytes(of: UInt64(bytes.count).littleEndian) { Array($0) }
    return length + masked(length) + bytes + masked(bytes)
  }
}
