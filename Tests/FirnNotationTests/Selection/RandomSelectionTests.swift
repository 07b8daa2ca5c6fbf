import FirnGraph
import FirnNotation
import FirnTestSupport
import Foundation
import Testing

@testable import FirnToyOps

/// Random selections name the elements that brute force does, and damaged ones are refused or mean what they print.
@Suite struct RandomSelectionTests {
  /// `FIRN_FUZZ=100000` for a long run, in release.
  private static let count = ProcessInfo.processInfo.environment["FIRN_FUZZ"].flatMap { Int($0) } ?? 2_000

  /// What is named: of each variable, its elements by their place in row-major order.
  private typealias Elements = [String: Set<Int>]

  /// A selection as text, with what it names; nil where it must be refused.
  private struct Sample {
    var text: String
    var elements: Elements?
    /// Blocks along two axes may have come together, which is refused where they do.
    var mixesAxes = false
  }

  private static let loaded: Set<String> = ["encoder/lstm/kernel", "head/bias"]

  private static let atoms: [(text: String, names: @Sendable (Variable) -> Bool)] = [
    ("**", { _ in true }),
    ("encoder", { $0.name.hasPrefix("encoder/") }),
    ("encoder/lstm", { $0.name.hasPrefix("encoder/lstm/") }),
    ("encoder/*", { $0.name.hasPrefix("encoder/") }),
    ("encoder*/kernel", { $0.name == "encoder2/kernel" }),
    ("**/kernel", { $0.name.hasSuffix("/kernel") }),
    ("*/bias", { $0.name == "head/bias" }),
    ("head/kernel", { $0.name == "head/kernel" }),
    ("./trainable", { $0.name == "trainable" }),
    ("trainable", { $0.kind == .parameter && $0.isTrainable }),
    ("frozen", { $0.kind == .parameter && !$0.isTrainable }),
    ("loaded", { loaded.contains($0.name) }),
    ("role(bias)", { $0.role == "bias" }),
    ("role(kernel)", { $0.role == "kernel" }),
    ("rank = 1", { $0.type.shape.rank == 1 }),
    ("count > 5", { extents($0).reduce(1, *) > 5 }),
    ("dtype = f32", { $0.type.dtype == .f32 }),
  ]

  private static func extents(_ variable: Variable) -> [Int] { variable.type.shape.extents ?? [] }

  /// The places whose index along `axis` lies in `range`; nil where there are none such.
  private static func block(_ range: Range<Int>, _ axis: Int, of variable: Variable) -> Set<Int>? {
    let extents = extents(variable)
    guard extents.indices.contains(axis), range.upperBound <= extents[axis] else { return nil }
    let step = extents[(axis + 1)...].reduce(1, *)
    return Set((0..<extents.reduce(1, *)).filter { range.contains($0 / step % extents[axis]) })
  }

  private struct Generator {
    var source: RandomSource
    let variables: [Variable]

    mutating func sample(depth: Int) -> Sample {
      switch depth == 0 ? 0 : source.below(10) {
      case 0, 1: return atom()
      case 2: return not(sample(depth: depth - 1))
      case 3, 4: return both(sample(depth: depth - 1), sample(depth: depth - 1))
      case 5, 6: return either(sample(depth: depth - 1), sample(depth: depth - 1))
      default: return block(sample(depth: depth - 1))
      }
    }

    private mutating func atom() -> Sample {
      let atom = source.pick(atoms)
      let named = variables.filter(atom.names)
      return Sample(
        text: atom.text,
        elements: Dictionary(uniqueKeysWithValues: named.map { ($0.name, whole($0)) }))
    }

    private func whole(_ variable: Variable) -> Set<Int> { Set(0..<extents(variable).reduce(1, *)) }

    private func not(_ a: Sample) -> Sample {
      var result = a
      result.text = "!(\(a.text))"
      result.elements = a.elements.map { elements in
        var rest: Elements = [:]
        for variable in variables {
          let left = whole(variable).subtracting(elements[variable.name] ?? [])
          if !left.isEmpty { rest[variable.name] = left }
        }
        return rest
      }
      return result
    }

    private func both(_ a: Sample, _ b: Sample) -> Sample {
      var result = Sample(
        text: "(\(a.text)) & (\(b.text))", mixesAxes: a.mixesAxes || b.mixesAxes || isCut(a, b))
      if let a = a.elements, let b = b.elements {
        result.elements = a.merging(b) { $0.intersection($1) }.filter {
          a[$0.key] != nil && b[$0.key] != nil && !$0.value.isEmpty
        }
      }
      return result
    }

    private func either(_ a: Sample, _ b: Sample) -> Sample {
      var result = Sample(
        text: "\(a.text) | (\(b.text))", mixesAxes: a.mixesAxes || b.mixesAxes || isCut(a, b))
      if let a = a.elements, let b = b.elements { result.elements = a.merging(b) { $0.union($1) } }
      return result
    }

    /// Whether both name parts of one variable; along which axes they lie is not looked at.
    private func isCut(_ a: Sample, _ b: Sample) -> Bool {
      variables.contains { variable in
        let all = whole(variable).count
        return [a, b].allSatisfy { side in
          side.elements?[variable.name].map { $0.count < all } ?? false
        }
      }
    }

    private mutating func block(_ a: Sample) -> Sample {
      let gate = source.chance(30) ? source.pick(["input", "forget", "cell", "output"]) : nil
      let (axis, start) = (source.below(2), source.below(3))
      let range = start..<(start + 1 + source.below(2))
      var result = a
      let text = gate.map { "[gate: \($0)]" } ?? (axis == 0 ? "[\(range)]" : "[axis \(axis): \(range)]")
      result.text = "(\(a.text))\(text)"
      guard let elements = a.elements else { return result }
      var left: Elements = [:]
      for variable in variables {
        guard let named = elements[variable.name] else { continue }
        result.mixesAxes = result.mixesAxes || named.count < whole(variable).count
        var wanted: Set<Int>?
        if let gate {
          let number = ["input", "forget", "cell", "output"].firstIndex(of: gate) ?? 0
          if variable.name.hasPrefix("encoder/lstm/") {
            wanted = RandomSelectionTests.block(
              2 * number..<2 * number + 2, extents(variable).count - 1, of: variable)
          }
        } else {
          wanted = RandomSelectionTests.block(range, axis, of: variable)
        }
        guard let wanted else {
          result.elements = nil
          return result
        }
        let part = named.intersection(wanted)
        if !part.isEmpty { left[variable.name] = part }
      }
      result.elements = left.isEmpty ? nil : left
      return result
    }

    /// With some characters others.
    mutating func damaged(_ text: String) -> String {
      var characters = Array(text)
      for _ in 0...source.below(3) {
        let place = source.below(characters.count + 1)
        switch source.below(3) {
        case 0 where place < characters.count: characters.remove(at: place)
        case 1 where place < characters.count:
          characters[place] = source.pick(Array("()[]!&|*/.: =<>0129abé\u{202E}\""))
        default:
          characters.insert(
            contentsOf: source.pick(["(", "]", "!", " | ", " & ", "9", "[", "..<", "**"]), at: place)
        }
      }
      return String(characters)
    }
  }

  private func elements(_ selection: Selection, in context: SelectionContext) throws -> Elements {
    var result: Elements = [:]
    for selected in try selection.resolve(in: context) {
      let variable = selected.variable
      if case .blocks(let blocks) = selected.region {
        result[variable.name] = try blocks.reduce(into: []) {
          $0.formUnion(try #require(Self.block($1.range, $1.axis, of: variable)))
        }
      } else {
        result[variable.name] = Set(0..<Self.extents(variable).reduce(1, *))
      }
    }
    return result
  }

  @Test func bruteForceNamesTheSame() throws {
    let context = try SelectionSample.context()
    var generator = Generator(
      source: RandomSource(seed: 12), variables: context.graph.variables.filter { $0.kind != .slot })
    var named = 0
    for _ in 0..<Self.count {
      let sample = generator.sample(depth: 4)
      guard let selection = try? Selection(sample.text) else {
        Issue.record("`\(sample.text)` is no selection")
        continue
      }
      do {
        let found = try elements(selection, in: context)
        #expect(found == sample.elements, "\(sample.text)")
        named += found.isEmpty ? 0 : 1
      } catch let error as FirnError {
        #expect(error.code == .invalidSelection, "\(error)")
        #expect(sample.elements == nil || sample.mixesAxes, "\(sample.text): \(error)")
      }
    }
    // Not all were refused.
    #expect(named > Self.count / 4)
  }

  @Test func damagedTextIsRefusedOrMeansWhatItPrints() throws {
    let context = try SelectionSample.context()
    var generator = Generator(
      source: RandomSource(seed: 13), variables: context.graph.variables.filter { $0.kind != .slot })
    var (read, refused) = (0, 0)
    for _ in 0..<Self.count {
      let text = generator.damaged(generator.sample(depth: 3).text)
      do {
        let selection = try Selection(text)
        #expect(try Selection(selection.description) == selection, "\(text)")
        read += 1
        _ = try selection.resolve(in: context)
      } catch {
        #expect(error.code == .invalidSelection, "\(text): \(error)")
        refused += 1
      }
    }
    #expect(read > Self.count / 20 && refused > Self.count / 20)
  }
}
