import Foundation

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// The elements of an SVG file, for tests to look at; throws where the file is not well-formed XML.
struct SVGDocument {
  struct Element {
    var name: String
    var attributes: [String: String]
    var text: String
  }

  let elements: [Element]

  init(_ text: String) throws {
    let collector = Collector()
    let parser = XMLParser(data: Data(text.utf8))
    parser.delegate = collector
    guard parser.parse() else { throw parser.parserError ?? CocoaError(.fileReadCorruptFile) }
    elements = collector.elements
  }

  var root: String? { elements.first?.name }

  /// The texts of the elements, by the elements' names.
  var texts: [String: [String]] {
    Dictionary(grouping: elements, by: \.name).mapValues { $0.map(\.text) }
  }

  /// The values that an attribute has, in whatever elements.
  func values(of attribute: String) -> [String] {
    elements.compactMap { $0.attributes[attribute] }
  }

  private final class Collector: NSObject, XMLParserDelegate {
    var elements: [Element] = []
    private var open: [Int] = []

    func parser(
      _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
      attributes: [String: String]
    ) {
      open.append(elements.count)
      elements.append(Element(name: name, attributes: attributes, text: ""))
    }

    func parser(_ parser: XMLParser, foundCharacters string: String) {
      if let last = open.last { elements[last].text += string }
    }

    func parser(
      _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
    ) {
      open.removeLast()
    }
  }
}
