import FirnFiles
import FirnFormats
import FirnGraph
import FirnRuntime
import Foundation

@testable import FirnONNX

/// One of ONNX's own tests: a model, what is fed to it, and what it must give.
struct NodeTest: Sendable {
  let name: String
  private let model: Bytes
  private let data: Bytes

  /// All tests of a file that `Fixtures/node_tests.py` wrote.
  static func all(in path: String) throws -> [NodeTest] {
    let message = try ModelMessage(MappedFile.open(path), source: path)
    let parts = message.graph?.initializers ?? []
    return stride(from: 0, to: parts.count - 1, by: 2).compactMap { index in
      guard let model = parts[index].raw, let data = parts[index + 1].raw else { return nil }
      return NodeTest(name: parts[index].name, model: model, data: data)
    }
  }

  /// What is wrong with Firn's results; nil where nothing is.
  func fault() -> String? {
    do {
      return try checked()
    } catch let error as FirnError {
      return (error.causes.first ?? error).message
    } catch {
      return "\(error)"
    }
  }

  private func checked() throws -> String? {
    let message = try ModelMessage(data, source: name)
    let tensors = message.graph?.initializers ?? []
    let fault = FileFault(name)
    let files = ExternalFiles(besides: nil, fault: fault)
    func array(_ key: String) throws -> NDArray? {
      try tensors.first { $0.name == key }?.array(from: files, fault: fault)
    }
    let names = (message.metadata["names"] ?? "").split(separator: ",").map(String.init)
    var values: [String: NDArray] = [:]
    for (index, name) in names.enumerated() { values[name] = try array("input_\(index)") }
    let model = try imported(values)
    let session = try Session(model.graph, threads: 1)
    session.onWarning = { _ in }
    let program = try session.compile(fetching: model.outputs.map(\.tensor))
    let feeds = model.inputs.compactMap { input in values[input.name].map { (input.tensor.name, $0) } }
    let results = try session.run(program, feeding: Feeds(feeds))
    let relative = Double(message.metadata["rtol"] ?? "") ?? 1e-3
    let absolute = Double(message.metadata["atol"] ?? "") ?? 1e-7
    for (index, output) in model.outputs.enumerated() {
      guard let wanted = try array("output_\(index)") else { continue }
      let result = try results[output.tensor]
      if result.dtype != wanted.dtype || result.shape != wanted.shape {
        return "output \(index) is \(result.dtype)\(result.shape), not \(wanted.dtype)\(wanted.shape)"
      }
      for (place, (x, y)) in zip(result.doubles, wanted.doubles).enumerated() {
        let isSame = x == y || x.isNaN && y.isNaN || abs(x - y) <= absolute + relative * abs(y)
        if !isSame { return "output \(index) has \(x) at \(place), not \(y)" }
      }
    }
    return nil
  }

  /// The model, with those inputs bound that it asks for.
  private func imported(_ values: [String: NDArray]) throws(FirnError) -> ONNXModel {
    var binding: [String: NDArray] = [:]
    while true {
      do {
        return try ONNXModel(model, source: name, path: nil, binding: binding)
      } catch {
        let all = [error] + error.causes
        let wanted = all.filter { $0.code == .missingFeed }.compactMap(\.place).filter { binding[$0] == nil }
        let known = wanted.filter { values[$0] != nil }
        if known.isEmpty { throw error }
        for name in known { binding[name] = values[name] }
      }
    }
  }
}
