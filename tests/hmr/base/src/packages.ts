// Every fixture asks for the same packages, so that all of them share one vendor chunk.
import "react";
import "react/jsx-runtime";
import "react/jsx-dev-runtime";
import "react-dom";
import "react-dom/client";
import "styled-components";
import "@emotion/react";
import "@emotion/react/jsx-dev-runtime";
import "@emotion/styled";
import "react/compiler-runtime";
